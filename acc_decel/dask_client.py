"""A connection to a running Dask scheduler: whether one is there, and with which certificates."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from dask import config
from distributed import Client, Security
from distributed.comm.core import connect

TIMEOUT_S = 5  # until the scheduler must have answered
TLS_ADDRESS = "tls://"
TLS_FILES = {  # settings of Dask without which an encrypted connection cannot be made, and what each names
    "distributed.comm.tls.ca-file": "the certificate of the authority",
    "distributed.comm.tls.client.cert": "the client's certificate",
    "distributed.comm.tls.client.key": "its key",
}


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """A client of the running Dask scheduler at the address `scheduler`.

    Raises ConnectionError if none answers there, and ValueError without a certificate for an encrypted one.
    """
    if scheduler.startswith(TLS_ADDRESS):
        _check_tls(scheduler)
    try:
        with ThreadPoolExecutor(1) as thread:  # the caller's thread may run an event loop, as a notebook does
            thread.submit(asyncio.run, _handshake(scheduler)).result()
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"scheduler must be the address of a running Dask scheduler, like tcp://host:8786. Got {scheduler}, no "
            f"Dask there ({str(error) or f'silent for {TIMEOUT_S} s'}): start one with `dask scheduler`, or "
            "leave the option out."
        ) from error
    with Client(scheduler, timeout=TIMEOUT_S, set_as_default=False) as client:
        yield client


def variable_of(setting: str) -> str:
    """The environment variable of a setting of Dask."""
    return f"DASK_{setting.upper().replace('.', '__').replace('-', '_')}"


def _check_tls(scheduler: str) -> None:
    """Raise ValueError if a certificate or key for an encrypted connection is missing, naming Dask's setting."""
    for name, meaning in TLS_FILES.items():
        path = config.get(name, None)
        if not path or not Path(path).is_file():
            raise ValueError(
                f"{name} of Dask must name a file, {meaning}, to reach {scheduler}. Got {path or 'no name'}: set it in "
                f"Dask's configuration or as {variable_of(name)}."
            )


async def _handshake(scheduler: str) -> None:
    """Connect to the scheduler and disconnect. A Client that gets no answer would hang again when it is deleted."""
    connection = connect(scheduler, timeout=TIMEOUT_S, **Security().get_connection_args("client"))
    comm = await asyncio.wait_for(connection, TIMEOUT_S + 1)  # Dask's own limit fails if something else listens there
    await comm.close()
