"""Bad tables are told of by line and column; good ones are read whole, and written whole or not at all."""

import re
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.cells import quote_formula
from naru.kernel.errors import BadRequest, ConfigError, NotFound
from naru.trust.combine.example import write_example
from naru.trust.combine.files import read_header, read_rows, write_rows
from naru.trust.combine.plan import read_plan


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("a,,c\n1,2,3\n", "line 1, column 2: each column needs a name"),
        ("a,b,a\n1,2,3\n", "line 1, column 3"),
        ("a,b,c\n1,2,3\n1,2\n", r"line 3: 2 fields where the header has 3 .*column 3, c"),
        ("a,b,c\n1,2,3,4\n", "line 2: 4 fields where the header has 3"),
        ('a,b,c\n1,"2,3\n', "line 2: unexpected end of data"),
        ('a,b,c\n1,2,3\n1,"2"x,3\n', "line 3: .*expected after"),
        ("a,b,c\n1,2,3\n1,홍길동,3\n".encode("cp949"), "line 3, column 2: .*--encoding cp949"),
    ],
)
def test_a_bad_csv_is_told_of_by_line_and_column(table, content, said):
    path = table(content)
    with pytest.raises(BadRequest, match=said) as error:
        list(read_rows(path, ["a", "b", "c"]))
    assert "홍길동" not in str(error.value)


def test_lines_are_those_of_the_file(table):
    """A text over two lines and an empty line do not shift what is said of later ones."""
    path = table('a,b\n"x\ny",1\n\n2,3\n')
    assert list(read_rows(path, ["b"])) == [(2, ("1",)), (5, ("3",))]


def test_a_missing_column_names_those_there_are(table):
    with pytest.raises(NotFound, match="no column z; it has a, b"):
        list(read_rows(table("\ufeffa,b\n1,2\n"), ["z"]))


def test_a_spreadsheets_encoding_is_read(table):
    path = table("이름,나이\n홍길동,3\n".encode("cp949"))
    assert list(read_rows(path, ["이름"], "cp949")) == [(2, ("홍길동",))]
    with pytest.raises(BadRequest, match="no encoding nope"):
        list(read_rows(path, ["이름"], "nope"))


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
def test_parquet_is_read(tmp_path):
    """Whole numbers in a column with gaps stay whole, missing ones are empty."""
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"a": ["x", None], "b": [1.0, None], "c": [2.5, 3.0]}), path)
    assert read_header(path) == ["a", "b", "c"]
    assert list(read_rows(path, ["c", "a", "b"])) == [(1, ("2.5", "x", "1")), (2, ("3", "", ""))]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    """A write that fails leaves the old file, and no part beside it."""
    path = tmp_path / "out.csv"
    assert write_rows(path, ["a"], [["1"], ["2"]]) == 2
    with pytest.raises(ZeroDivisionError):
        write_rows(path, ["a"], ([str(1 // left)] for left in (1, 0)))
    assert path.read_text() == "a\n1\n2\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


EXAMPLE = write_example("study", "2030-01-01")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('purpose = "statistics"', 'purpose = "fun"', "purpose"),
        ("destroy_on = 2030-01-01", "", "destroy_on"),
        (
            'attributes = ["disease"]',
            'attributes = ["disease", "mobile"]',
            "mobile is a key item and never goes",
        ),
        ('derived = ["birth_year", "sex", "sigungu"]', 'derived = ["age"]', "derived"),
        ('quasi = ["A.birth_year"', 'quasi = ["A.nothing"', "no joined column A.nothing"),
        ('sensitive = ["A.spend"', 'sensitive = ["A.sex"', "quasi or sensitive, not both"),
        ("k = 3", "k = 1", "k at least 2"),
        ("steps = [5, 10, 20]", "steps = [5, 7]", "multiple of the one before"),
        ('phone = "휴대전화"', "", "no column for the key item phone"),
        ("[parties.B]", "[parties.B]\nextra = 1", "extra"),
        ('name = "study"', 'name = "../study"', "letters, digits"),
        ("k = 3", "k = = 3", r"study.toml:\d+: "),
    ],
)
def test_a_faulty_plan_says_where(tmp_path, old, new, said):
    assert old in EXAMPLE
    path = tmp_path / "study.toml"
    path.write_text(EXAMPLE.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        read_plan(path)


def test_the_example_is_a_plan(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(EXAMPLE)
    plan = read_plan(path)
    assert plan.party_names == ("A", "B")
    assert plan.joined_columns == ["A.birth_year", "A.sex", "A.sigungu", "A.spend", "B.disease"]


@given(st.text("'=+-@＝\t\r5.eE x가", max_size=8))
def test_a_cell_that_a_spreadsheet_would_run_is_quoted_and_can_be_had_back(text):
    """Only numbers begin with a sign afterwards, and one quote less is the text again."""
    cell = quote_formula(text)
    assert cell[:1] not in {*"=@＝\t\r"}
    if cell[:1] in {*"+-"}:
        float(cell)
    assert (cell[1:] if re.match(r"'+[=+\-@＝＋－＠\t\r\n]", cell) else cell) == text
