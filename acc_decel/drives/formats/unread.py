"""Formats that are not read: what each is, and how its recording becomes a table that is."""

from pathlib import Path

from acc_decel.drives.formats.compression import first_bytes, inner_ending

HEAD_BYTES = 64
AS_TABLE = "write its channels as CSV or Parquet"
GPS_BABEL = "convert it with GPSBabel to GPX with speeds, or to CSV"
UBX = "convert it with u-center or RTKLIB to NMEA, then with GPSBabel to GPX"
ROS = "write its topics as CSV or Parquet with the tools of ROS"
COMMA = "write vEgo and aEgo of carState as CSV, with the log reader of openpilot"
# fmt: off
BY_BEGIN = {  # first bytes, what the file is, and the way out
    b"SQLite format 3":  ("an SQLite database", "write its table as CSV"),
    b"#ROSBAG":          ("a ROS bag", ROS),
    b"\x89MCAP":         ("an MCAP file", ROS),
    b"TDSm":             ("a TDMS file", AS_TABLE),
    b"ARROW1":           ("an Arrow file", "write it as Parquet"),
    b"FEA1":             ("a Feather file", "write it as Parquet"),
    b"Obj\x01":          ("an Avro file", "write it as Parquet"),
    b"\x93NUMPY":        ("a single NumPy array", "give the folder with X__t.npy and X__value.npy"),
    b"%PDF":             ("a PDF document", "export the data as CSV"),
    b"\x89PNG":          ("a picture", "give the recording"),
    b"\xff\xd8\xff":     ("a picture", "give the recording"),
    b"\xd4\xc3\xb2\xa1": ("a network capture (PCAP)", "write its CAN frames with `candump -l` or as ASC"),
    b"\xa1\xb2\xc3\xd4": ("a network capture (PCAP)", "write its CAN frames with `candump -l` or as ASC"),
    b"\x0a\x0d\x0d\x0a": ("a network capture (PCAPNG)", "write its CAN frames with `candump -l` or as ASC"),
    b"$GP":              ("NMEA sentences of a GPS", GPS_BABEL),
    b"$GN":              ("NMEA sentences of a GNSS", GPS_BABEL),
    b"$PMTK":            ("NMEA sentences of a GPS", GPS_BABEL),
    b"\xb5\x62":         ("a u-blox log (UBX)", UBX),
    b"<html":            ("a web page", "download the file itself"),
    b"<!DOCTYPE html":   ("a web page", "download the file itself"),
    b"BU_:":             ("a CAN database", "give the log, and this file with --dbc"),
    b"VERSION \"":       ("a CAN database", "give the log, and this file with --dbc"),
}
BY_ENDING = {
    ".xlsx":   ("an Excel workbook (XLSX)", "save its sheet as CSV"),
    ".xlsm":   ("an Excel workbook (XLSM)", "save its sheet as CSV"),
    ".xls":    ("an old Excel workbook", "save its sheet as CSV"),
    ".ods":    ("a workbook (ODS)", "save its sheet as CSV"),
    ".ld":     ("a MoTeC log (LD)", "export it from MoTeC i2 as CSV"),
    ".ldx":    ("the notes of a MoTeC log (LDX)", "export the LD file from MoTeC i2 as CSV"),
    ".xrk":    ("an AiM log (XRK)", "export it from Race Studio as CSV"),
    ".xrz":    ("an AiM log (XRZ)", "export it from Race Studio as CSV"),
    ".drk":    ("an AiM log (DRK)", "export it from Race Studio as CSV"),
    ".rcz":    ("a RaceChrono session (RCZ)", "export it from the app as CSV v3"),
    ".vbb":    ("a VBOX log (VBB)", "export it from VBOX Test Suite as VBO"),
    ".rlog":   ("a comma log (rlog)", COMMA),
    ".qlog":   ("a comma log (qlog)", COMMA),
    ".bag":    ("a ROS bag", ROS),
    ".db3":    ("a ROS 2 bag", ROS),
    ".mcap":   ("an MCAP file", ROS),
    ".fit":    ("a Garmin log (FIT)", GPS_BABEL),
    ".tcx":    ("a Garmin log (TCX)", GPS_BABEL),
    ".kml":    ("a Google Earth file (KML)", GPS_BABEL),
    ".kmz":    ("a Google Earth file (KMZ)", GPS_BABEL),
    ".nmea":   ("NMEA sentences of a GPS", GPS_BABEL),
    ".ubx":    ("a u-blox log (UBX)", UBX),
    ".mat":    ("a MATLAB file", AS_TABLE),
    ".h5":     ("an HDF5 file", AS_TABLE),
    ".hdf5":   ("an HDF5 file", AS_TABLE),
    ".nc":     ("a NetCDF file", AS_TABLE),
    ".tdms":   ("a TDMS file", AS_TABLE),
    ".erg":    ("a CarMaker result (ERG)", "export it from IPGControl as CSV or MF4"),
    ".d7d":    ("a Dewesoft log", "export it from Dewesoft X as CSV or MF4"),
    ".dxd":    ("a Dewesoft log", "export it from Dewesoft X as CSV or MF4"),
    ".feather": ("a Feather file", "write it as Parquet"),
    ".arrow":  ("an Arrow file", "write it as Parquet"),
    ".avro":   ("an Avro file", "write it as Parquet"),
    ".pkl":    ("a pickled Python object", AS_TABLE),
    ".pickle": ("a pickled Python object", AS_TABLE),
    ".npz":    ("an archive of NumPy arrays", "save pairs X__t.npy and X__value.npy in a folder"),
    ".npy":    ("a single NumPy array", "give the folder with X__t.npy and X__value.npy"),
    ".sqlite": ("an SQLite database", "write its table as CSV"),
    ".pcap":   ("a network capture (PCAP)", "write its CAN frames with `candump -l` or as ASC"),
    ".pcapng": ("a network capture (PCAPNG)", "write its CAN frames with `candump -l` or as ASC"),
    ".dbc":    ("a CAN database", "give the log, and this file with --dbc"),
    ".arxml":  ("a CAN database", "give the log, and this file with --dbc"),
    ".toml":   ("a description", "give the recording, and this file with --recording"),
    ".mp4":    ("a video", "give the recording"),
}
BY_ROOT = {  # of XML
    "TrainingCenterDatabase": ("a Garmin log (TCX)", GPS_BABEL),
    "kml":                    ("a Google Earth file (KML)", GPS_BABEL),
    "html":                   ("a web page", "download the file itself"),
    "AUTOSAR":                ("a CAN database (ARXML)", "give the log, and this file with --dbc"),
    "NetworkDefinition":      ("a CAN database (KCD)", "give the log, and this file with --dbc"),
}
# fmt: on
PACKED = (".bz2", ".zst", ".xz")
READ = "MF4, candump, ASC, BLF, TRC, CSV, Parquet, VBO, GPX, SUMO FCD, JSON lines or a folder of one drive"


def refuse_unread(path: Path) -> None:
    """Raise ValueError for a file of a format that is not read, with what it is and how to convert it."""
    head = first_bytes(path, HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    named = next((what for begin, what in BY_BEGIN.items() if head.startswith(begin)), None)
    if named is None and head[8:12] == b".FIT":
        named = BY_ENDING[".fit"]
    named = named or BY_ENDING.get(inner_ending(path))
    if path.suffix.lower() in PACKED and Path(path.stem).suffix.lower() in ("", ".rlog", ".qlog"):
        named = named or next((("a packed comma log", COMMA) for kind in ("rlog", "qlog") if kind in path.stem), None)
    if named is not None:
        raise unread(path, *named)


def refuse_xml(path: Path, root: str) -> None:
    """Raise ValueError for XML that is neither GPX nor floating car data."""
    raise unread(path, *BY_ROOT.get(root, (f"XML of <{root}>", AS_TABLE)))


def unread(path: Path, what: str, way_out: str) -> ValueError:
    """The error that names a format and the way out."""
    return ValueError(f"{path} must be a recording in {READ}. Got {what}: {way_out}.")
