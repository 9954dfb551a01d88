"""Documentation is true: links lead somewhere, commands and targets exist, every error code is told of."""

import ast
import re
import shlex

import pytest
import typer.main

from naru.cli import app
from naru.gateway.endpoints import ENDPOINTS
from naru.kernel.errors import ConfigError
from naru.settings import load
from tests.docs.pages import PAGES, ROOT, page_id, read_blocks, read_prose

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
WRITTEN_LATER = {"docs/benchmarks.md"}  # by `make bench`, on a machine of its own


def slug(heading):
    """GitHub's anchor of a heading."""
    text = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return text.replace(" ", "-")


def anchors(page):
    return {slug(line.lstrip("#")) for line in read_prose(page).splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    """Every relative link and picture is a file, and its anchor a heading."""
    prose = read_prose(page)
    for link in LINK.findall(prose) + IMAGE.findall(prose):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            assert str(target.relative_to(ROOT)) in WRITTEN_LATER, f"{link} leads nowhere"
            continue
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading"


def naru_commands(page):
    """Every `naru …` command a page mentions, in its prose or its shell blocks."""
    yield from CODE.findall(read_prose(page))
    for where, block in read_blocks("sh"):
        if where.startswith(f"{page_id(page)}:"):
            yield from block.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_exist(page):
    """Each `naru …` in the documentation is a command, with those options, of this version."""
    for line in naru_commands(page):
        text = re.sub(r"\s+#.*|\s+[|>].*|…|\.\.\.", "", line).strip().removeprefix(".venv/bin/")
        if not re.match(r"naru( |$)", text) or text.startswith("naru."):
            continue
        command = typer.main.get_command(app)
        words = shlex.split(text)[1:]
        while words and hasattr(command, "commands") and not words[0].startswith("-"):
            assert words[0] in command.commands, f"`{line}`: no command {words[0]}"
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for word in words:
            if word.startswith("-"):
                assert word.split("=")[0] in options, f"`{line}`: no option {word}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_make_targets_exist(page):
    """Each `make …` in the documentation is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in naru_commands(page):
        match = re.match(r"make ([a-z-]+)", line.strip())
        assert match is None or match[1] in targets, f"`{line}`: no such target"


def test_every_command_is_told_of():
    """The front page of the documentation names each group of commands."""
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    for name in typer.main.get_command(app).commands:
        assert name == "version" or f"naru {name}" in text, f"`naru {name}` stands nowhere"


GOVERNING = (
    *("org", "team", "project", "key", "user", "budget", "limit", "rate", "audit", "database"),
    *("policy", "dictionary", "pattern"),
)


@pytest.mark.parametrize("group", GOVERNING)
def test_every_help_teaches_by_an_example(group):
    """`naru GROUP COMMAND --help` shows a line that can be typed, and the command in it is that command."""
    for name, command in typer.main.get_command(app).commands[group].commands.items():
        example = re.search(r"Example: (.+)", command.help or "")
        assert example is not None, f"naru {group} {name}"
        assert example[1].startswith(f"naru {group} {name}"), example[1]


def stand_in(variable):
    """A value such as the variable would hold."""
    schemes = {"NARU_DATABASE_URL": "postgresql", "NARU_REDIS_URL": "redis"}
    return f"{schemes[variable]}://x" if variable in schemes else "x"


@pytest.mark.parametrize(("where", "block"), list(read_blocks("toml")), ids=lambda value: value[:40])
def test_settings_examples_are_valid(where, block, tmp_path):
    """Each ```toml block is a naru.toml that Naru takes (files and variables it names aside)."""
    environ = {name: stand_in(name) for name in re.findall(r'"([A-Z][A-Z0-9_]+)"', block)}
    path = tmp_path / "naru.toml"
    for number, named in enumerate(re.findall(r'(?:_file|path) = "([^"]+)"', block)):
        file = tmp_path / f"file{number}"
        file.write_text("x")
        block = block.replace(f'"{named}"', f'"{file}"')
    path.write_text(block)
    try:
        load(path, environ)
    except ConfigError as error:
        pytest.fail(f"{where}: {error}")


def find_codes():
    """Every error code the source can send: `code=` and `default_code`, and the verdicts on upstreams."""
    for path in sorted((ROOT / "src" / "naru").rglob("*.py")):
        if {"testing", "settings", "messages"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            values = []
            is_code = isinstance(node, ast.keyword) and node.arg == "code"
            if isinstance(node, ast.Assign):
                is_code = any(getattr(target, "id", "") == "default_code" for target in node.targets)
            if is_code:
                values = [node.value]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_Verdict":
                values = [node.args[2]]
            for value in values:
                for part in ast.walk(value):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def test_every_error_code_is_told_of():
    """docs/gateway.md has each code the source can send, and none besides."""
    page = (ROOT / "docs" / "gateway.md").read_text("utf-8")
    section = page[page.index("## Errors") :]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {code for row in rows for code in CODE.findall(row)}
    sent = set(find_codes())
    assert told == sent, f"missing: {sorted(sent - told)}; too many: {sorted(told - sent)}"


def test_every_address_of_the_control_plane_is_told_of():
    """docs/api.md names each address of `/api`, or the list that it is one of, and none that is not there."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    addresses = set()
    for path in sorted((ROOT / "src" / "naru" / "web" / "api").glob("*.py")):
        text = path.read_text("utf-8")
        prefix = re.search(r'APIRouter\(prefix="([^"]*)"', text)
        for end in re.findall(r'@router\.\w+\(\s*"([^"]*)"', text):
            addresses.add((prefix[1] if prefix else "") + end.replace(":path", ""))
    assert addresses
    alike = {"/api/teams", "/api/projects", "/api/orgs", "/api/keys"}  # told of once, as `/{id}`
    for address in sorted(addresses):
        head = "/".join(address.split("/")[:3])
        short = address.removeprefix(head) if head in alike else ""
        assert address in page or (short and f"{short}`" in page), f"{address} stands nowhere"
    for told in re.findall(r"`(?:GET |POST |PUT |PATCH |DELETE )?(/api/[a-z/{}_-]+)`", page):
        assert told.rstrip("/") in addresses | {"/api/openapi.json"}, f"{told} is not there"


def test_every_endpoint_and_header_is_told_of():
    """docs/gateway.md has each path of the data plane and each x-naru header the source knows, no more."""
    page = (ROOT / "docs" / "gateway.md").read_text("utf-8")
    for path in ENDPOINTS:
        assert f"`POST {path}`" in page
    known = set()
    for folder in ("gateway", "web"):
        for path in (ROOT / "src" / "naru" / folder).rglob("*.py"):
            known |= set(re.findall(r"(x-naru-[a-z-]+)(?=\"|: )", path.read_text("utf-8")))
    told = set(re.findall(r"^\| `(x-naru-[a-z-]+)`", page, re.MULTILINE))
    assert told == known, f"missing: {sorted(known - told)}; too many: {sorted(told - known)}"
