"""The locator says on which line each key stands, however the file is written."""

from __future__ import annotations

import json
import tomllib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from naru.settings.locator import locate

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
SCALARS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
TREES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=4),
    lambda inner: st.dictionaries(
        KEYS,
        st.one_of(SCALARS, inner, st.lists(SCALARS, max_size=3), st.lists(inner, min_size=1, max_size=3)),
        max_size=4,
    ),
    max_leaves=12,
)


def test_every_way_to_write_a_key_is_found():
    """Tables, dotted keys, inline tables, arrays, arrays of tables and multi-line strings."""
    text = '''a = 1
[x]
b.c = {d = 1, e = [1,
 2, {f = "]"}]} # [no]
[[p]]
k = """
[no]
""\\""" """
[p.sub]
z = 1
[[p]]
k = \'\'\'\\\'\'\'
[[p.q]]
"r.s" = 'x'
[x.y]
'''
    tomllib.loads(text)
    lines = locate(text).lines
    expected = {
        ("a",): 1,
        ("x",): 2,
        ("x", "b", "c"): 3,
        ("x", "b", "c", "e"): 3,
        ("x", "b", "c", "e", 1): 4,
        ("x", "b", "c", "e", 2, "f"): 4,
        ("p",): 5,
        ("p", 0): 5,
        ("p", 0, "k"): 6,
        ("p", 0, "sub", "z"): 10,
        ("p", 1): 11,
        ("p", 1, "k"): 12,
        ("p", 1, "q", 0, "r.s"): 14,
        ("x", "y"): 15,
    }
    assert {path: lines.get(path) for path in expected} == expected


def test_a_path_that_is_not_there_gives_its_nearest_parent():
    """A missing key is reported at the table that lacks it."""
    locator = locate("\n[providers.acme]\nsite = 'x'\n")
    assert locator.find_line(("providers", "acme", "kind")) == 2
    assert locator.find_line(("models",)) is None


def test_a_key_set_twice_is_named_with_both_lines():
    """tomllib gives the end of the second value; the reader needs the two keys."""
    (duplicate,) = locate("a = 1\nb = 2\na = [\n1]\n").duplicates
    assert (duplicate.path, duplicate.line, duplicate.first_line) == (("a",), 3, 1)


def test_an_unterminated_string_is_located_where_it_begins():
    """Not at the end of the document, where tomllib leaves it."""
    assert locate('a = 1\nb = """x\n\n\n').stopped_at == 2


@settings(deadline=None)  # the machine may be slow; only the outcome is promised
@given(TREES, st.data())
def test_lines_are_right_for_any_document(tree, data):
    """Of any tree, written with headers and inline values mixed, every key is found on its line."""
    writer = _Writer(data)
    writer.table(tree, ())
    text = "\n".join(writer.out) + "\n"
    assert tomllib.loads(text) == tree  # the test's own writer is right
    locator = locate(text)
    assert locator.stopped_at is None
    assert locator.duplicates == []
    assert {path: locator.find_line(path) for path in writer.lines} == writer.lines


@settings(deadline=None)  # the machine may be slow; only the outcome is promised
@given(st.text(alphabet="[]{}.,=\"'\\# \n\rab1é", max_size=60))
@example("[" * 3000)
@example("a=" + "[" * 5000)
@example('"')
def test_nonsense_never_raises(text):
    """The locator also reads files that tomllib has refused."""
    locate(text)


class _Writer:
    """Writes a tree as TOML and notes the line of each key."""

    def __init__(self, data):
        self.data = data
        self.out: list[str] = []
        self.lines: dict[tuple, int] = {}

    def table(self, tree, path):
        nested = {}
        for key, value in tree.items():
            is_table = isinstance(value, dict)
            is_array = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
            if (is_table or is_array) and self.data.draw(st.booleans()):
                nested[key] = value
                continue
            self.filler()
            self.lines[*path, key] = len(self.out) + 1
            head = f"{self.key(key)} = "
            parts = self.inline(value, (*path, key), len(self.out) + 1)
            self.out += (head + parts).split("\n")
        for key, value in nested.items():
            for index, element in enumerate(value if isinstance(value, list) else [value]):
                self.filler()
                where = (*path, key, index) if isinstance(value, list) else (*path, key)
                self.lines[where] = len(self.out) + 1
                name = ".".join(self.key(step) for step in where if isinstance(step, str))
                self.out.append(f"[[{name}]]" if isinstance(value, list) else f"[ {name} ]")
                self.table(element, where)

    def filler(self):
        self.out += self.data.draw(st.lists(st.sampled_from(["", "  # a = 1", "\t"]), max_size=1))

    def key(self, key):
        return key if key.isascii() and key.replace("_", "a").replace("-", "a").isalnum() else _quoted(key)

    def inline(self, value, path, line):
        if isinstance(value, dict):
            parts = []
            for key, child in value.items():
                self.lines[*path, key] = line
                text = self.inline(child, (*path, key), line)
                line += text.count("\n")
                parts.append(f"{self.key(key)} = {text}")
            return "{" + ", ".join(parts) + "}"
        if isinstance(value, list):
            text = "["
            for index, child in enumerate(value):
                gap = self.data.draw(st.sampled_from(["", "\n", " # ]\n  "]))
                text += gap
                line += gap.count("\n")
                self.lines[*path, index] = line
                part = self.inline(child, (*path, index), line)
                line += part.count("\n")
                text += part + ","
            return text + "]"
        if isinstance(value, str) and self.data.draw(st.booleans()):
            # Multi-line: a real line break right after the opening quotes is dropped by TOML.
            return '"""\n' + _quoted(value)[1:-1].replace("\\n", "\n") + '"""'
        return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text):
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
