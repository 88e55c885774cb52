"""Tables from files: what is read as the same table, and what is refused with its line."""

import gzip
import os
import threading
from pathlib import Path

import pandas as pd
import pytest

from acc_decel.tables import read_csv, read_table

PLAIN = "speed,grade,name\n30,0.5,a\n20,-1.25,b\n"
EXPECTED = pd.DataFrame({"speed": [30, 20], "grade": [0.5, -1.25], "name": ["a", "b"]})
SAME = {  # content: line of each row
    "plain": (PLAIN.encode(), [2, 3]),
    "no end of the last line": (PLAIN.rstrip().encode(), [2, 3]),
    "CRLF": (PLAIN.replace("\n", "\r\n").encode(), [2, 3]),
    "CR": (PLAIN.replace("\n", "\r").encode(), [2, 3]),
    "UTF-8 with a mark": (PLAIN.encode("utf-8-sig"), [2, 3]),
    "UTF-16": (PLAIN.encode("utf-16"), [2, 3]),
    "UTF-16, big end first": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), [2, 3]),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), [2, 3]),
    "gzip": (gzip.compress(PLAIN.encode()), [2, 3]),
    "gzip of UTF-16": (gzip.compress(PLAIN.encode("utf-16")), [2, 3]),
    "semicolons": (PLAIN.replace(",", ";").encode(), [2, 3]),
    "semicolons and decimal commas": (PLAIN.replace(",", ";").replace(".", ",").encode(), [2, 3]),
    "tabs": (PLAIN.replace(",", "\t").encode(), [2, 3]),
    "bars": (PLAIN.replace(",", "|").encode(), [2, 3]),
    "Excel's line of the separator": (b"sep=;\n" + PLAIN.replace(",", ";").encode(), [3, 4]),
    "spaces around the names": (PLAIN.replace("speed,grade", " speed , grade").encode(), [2, 3]),
    "quotes": (b'"speed","grade","name"\n"30",0.5,"a"\n20,-1.25,b\n', [2, 3]),
    "blank lines": (b"\n\nspeed,grade,name\n\n30,0.5,a\n   \n\n20,-1.25,b\n\n", [5, 8]),
    "a last column without name and values": (b"speed,grade,name,\n30,0.5,a,\n20,-1.25,b,\n", [2, 3]),
}


@pytest.mark.parametrize(("content", "lines"), SAME.values(), ids=SAME.keys())
def test_the_same_table_is_read_from_each_way_to_write_it(tmp_path, content, lines):
    (tmp_path / "t.csv").write_bytes(content)
    table = read_table(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(table.reset_index(drop=True), EXPECTED)
    assert (table.index.name, table.index.tolist()) == ("line", lines)


def test_a_field_with_line_ends_is_one_field_and_lines_are_still_those_of_the_file(tmp_path):
    (tmp_path / "t.csv").write_text('"speed",name\n1,"two\nlines, a comma and a "" quote"\n\n2,b\n')
    table = read_table(tmp_path / "t.csv")
    assert table["name"].tolist() == ['two\nlines, a comma and a " quote', "b"]
    assert table.index.tolist() == [2, 5]


@pytest.mark.parametrize("text", ["Straße", "Müller"])
@pytest.mark.parametrize("rows", [1, 3000])
def test_letters_of_windows_are_read_wherever_the_first_of_them_stands(tmp_path, text, rows):
    (tmp_path / "t.csv").write_bytes(("speed,name\n" + "1,plain\n" * rows + f"2,{text}\n").encode("cp1252"))
    assert read_table(tmp_path / "t.csv")["name"].iloc[-1] == text


REFUSED = {
    "a comma at the end of each row": (b"a,b\n1,2,\n3,4,\n", "2 fields .*: a, b. Got 3 in line 2, the last one empty"),
    "a row too long": (b"a,b\n1,2\n\n1,2,3\n", "2 fields .* Got 3 in line 4: correct that line"),
    "a row too short": (b"a,b,c\n1,2,3\n1,2\n", "3 fields .* Got 2 in line 3"),
    "a short row of tabs": (b"a\tb\tc\n1\t2\t3\n\t\n", "3 fields .* Got 2 in line 3"),
    "a row too long after a field of two lines": (b'a,b\n"x\ny",1\n1,2,3\n', "2 fields .* Got 3 in line 4"),
    "a row too long with quotes": (b'a,b\n"1","2","3"\n', "2 fields .* Got 3 in line 2"),
    "other delimiters in the rows": (b"a,b\n1;2\n", "2 fields .* Got 1 in line 2"),
    "one delimiter more in each row than in the header": (b"a;b\n1;2;\n", "2 fields .* Got 3 in line 2, the last"),
    "a footer": (b"a,b\n1,2\nend of file\n", "2 fields .* Got 1 in line 3"),
    "a column twice": (b"a,b,a\n1,2,3\n", "each column once. Got two columns 'a'"),
    "a column twice but for spaces": (b"a, a\n1,2\n", "each column once. Got two columns 'a'"),
    "a zero byte": (b"a,b\n1,2\n3,\x004\n", "Got: a zero byte in line 3"),
    "a line without an end": (b"a,b\n1," + b"2" * 2**22, "Got: more than 4194304 letters in line 2"),
    "bytes that are no text": (b"a,b\n1,\x81\xfe\n", "Got: bytes that are neither UTF-8, UTF-16 nor"),
    "a comment above": (b"# made by hand\na,b\n1,2\n", "1 field in each row, .* Got 2 in line 2"),
    "nothing": (b"", "Got: no header line"),
    "blank lines only": (b"\n\n", "Got: no header line"),
    "a header only": (b"a,b\n", "at least one event"),
    "a quote that never ends": (b'a,b\n1,"2\n3,4\n', "line 2|EOF inside string"),
    "gzip that was cut": (gzip.compress(PLAIN.encode())[:-4], "be a readable csv table. Got: "),
    "gzip that was damaged": (gzip.compress(PLAIN.encode())[:15] + b"xxxxx", "be a readable csv table. Got: "),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=f"t.csv must .*({said})"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.CSV", "t.csv.gz", "t.Csv"])
def test_the_ending_may_be_of_any_case(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(PLAIN.encode()) if name.endswith("gz") else PLAIN.encode())
    assert read_table(tmp_path / name)["speed"].tolist() == [30, 20]


@pytest.mark.parametrize("name", ["t.xlsx", "t.txt", "t", "t.csv.zip"])
def test_another_ending_is_refused(tmp_path, name):
    (tmp_path / name).write_text(PLAIN)
    with pytest.raises(ValueError, match=r"must end in \.csv or \.parquet"):
        read_table(tmp_path / name)


def test_csv_of_any_name_is_read_where_it_is_known_to_be_csv(tmp_path):
    (tmp_path / "tests.txt").write_text(PLAIN)
    assert read_csv(tmp_path / "tests.txt")["speed"].tolist() == [30, 20]


def test_parquet_is_read_with_its_names_stripped(tmp_path):
    EXPECTED.rename(columns={"speed": " speed"}).to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), EXPECTED)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_damaged_parquet_is_refused(tmp_path, content):
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"t.parquet must be a readable parquet table"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are not part of the project on Windows")
def test_a_pipe_is_read_once_and_whole(tmp_path):
    pipe = tmp_path / "t.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=Path.write_text, args=(pipe, PLAIN))
    writer.start()
    assert read_table(pipe)["speed"].tolist() == [30, 20]
    writer.join()
