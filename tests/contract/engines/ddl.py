"""What a migrated database looks like, as text to compare. Written anew (then look at the diff) by:

python -m tests.contract.engines.ddl
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import naru
from naru.engines.sql.base import SqlEngine
from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine

HERE = Path(__file__).parent
SNAPSHOTS = {"sqlite": HERE / "ddl_sqlite.sql", "postgresql": HERE / "ddl_postgres.sql"}

_SQLITE = (
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%' ORDER BY type, name"
)
_TABLES = """
SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname <> 'alembic_version' ORDER BY c.relname
"""
_COLUMNS = """
SELECT a.attname || ' ' || upper(format_type(a.atttypid, a.atttypmod))
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || CASE WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END
    || CASE WHEN a.attidentity <> '' THEN ' GENERATED AS IDENTITY' ELSE '' END
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY {order}
"""
_CONSTRAINTS = """
SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s AND contype <> 'n' ORDER BY contype DESC, conname
"""
_INDEXES = """
SELECT replace(pg_get_indexdef(i.indexrelid), quote_ident(current_schema()) || '.', '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
ORDER BY c.relname
"""
_TRIGGERS = """
SELECT replace(pg_get_triggerdef(oid), quote_ident(current_schema()) || '.', '') FROM pg_trigger
WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname
"""


def import_tables() -> None:
    """Every part's tables, so that the metadata is whole."""
    package = Path(naru.__file__).parent
    for path in sorted(package.rglob("*tables.py")):
        importlib.import_module(".".join(path.relative_to(package.parent).with_suffix("").parts))


def read_ddl(engine: SqlEngine, *, columns_in_order: bool = True) -> str:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql(_SQLITE).scalars().all()
            texts = ["\n".join(line.rstrip() for line in sql.splitlines()) for sql in found]
            return "".join(f"{text};\n\n" for text in texts)
        text = ""
        for oid, name in connection.exec_driver_sql(_TABLES).all():

            def ask(query: str, oid=oid) -> list[str]:
                return list(connection.exec_driver_sql(query, (oid,)).scalars())

            columns = ask(_COLUMNS.format(order="a.attnum" if columns_in_order else "a.attname"))
            inside = ",\n    ".join([*columns, *ask(_CONSTRAINTS)])
            text += f"CREATE TABLE {name} (\n    {inside}\n);\n"
            text += "".join(f"{line};\n" for line in [*ask(_INDEXES), *ask(_TRIGGERS)]) + "\n"
        return text


def _write() -> None:
    from tests.services import PostgresServer

    with tempfile.TemporaryDirectory() as folder:
        engines: list[SqlEngine] = [SqliteEngine(Path(folder) / FILE_NAME)]
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        server = PostgresServer(programs[-1]) if programs else None
        if server is not None:
            from naru.engines.sql.postgres import PostgresEngine

            engines.append(PostgresEngine(server.create_database()))
        for engine in engines:
            engine.migrate()
            SNAPSHOTS[engine.dialect.name].write_text(read_ddl(engine))
            engine.close()
        if server is not None:
            server.remove()


if __name__ == "__main__":
    _write()
