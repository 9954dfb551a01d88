"""An address is read as libpq's manual says, and what cannot be read is not repeated."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from naru.engines.sql.postgres_url import Address, Host, read_address
from naru.kernel.errors import ConfigError

SECRET = "kept-out-of-every-log"


def test_everything_an_operator_writes():
    """Each part of the address and each parameter arrives where it belongs."""
    address = read_address(
        "postgresql://nar%75:p%40ss%3Aw%2Frd@db.internal:6432/l%20edger?sslmode=verify-full"
        "&sslrootcert=/etc/ca.crt&sslcert=/a.crt&sslkey=/a.key&connect_timeout=9&application_name=seoul-1"
        "&options=-c%20work_mem%3D7MB&target_session_attrs=read-write&channel_binding=require"
    )
    assert address == Address(
        hosts=(Host("db.internal", 6432),),
        user="naru",
        password="p@ss:w/rd",
        database="l edger",
        sslmode="verify-full",
        sslrootcert="/etc/ca.crt",
        sslcert="/a.crt",
        sslkey="/a.key",
        connect_timeout_s=9,
        application_name="seoul-1",
        options="-c work_mem=7MB",
        target_session_attrs="read-write",
        channel_binding="require",
    )


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("h/d", "postgresql://h:5432/d"),
        ("h:1/d", "postgresql://h:1/d"),
        ("[::1]:6000/d", "postgresql://[::1]:6000/d"),
        ("a,b:6000/d", "postgresql://a:5432,b:6000/d"),
        ("/d", "postgresql:///var/run/postgresql:5432/d"),
        ("%2Ftmp:6000/d", "postgresql:///tmp:6000/d"),
        ("/d?host=/tmp", "postgresql:///tmp:5432/d"),
        ("/d?host=a,b&port=1,2", "postgresql://a:1,b:2/d"),
        ("a,b/d?port=7", "postgresql://a:7,b:7/d"),
        ("h", "postgresql://h:5432/u"),
        ("h/d?dbname=e", "postgresql://h:5432/e"),
    ],
)
def test_hosts_ports_and_sockets(where, place):
    """As libpq pairs them; what is left out has libpq's default."""
    assert read_address(f"postgres://u:{SECRET}@{where}").place == place


def test_a_parameter_wins_over_the_address():
    """As with libpq: the same thing said twice counts as it is said last."""
    address = read_address(f"postgresql://a:b@h/d?user=u&password={SECRET}&connect_timeout=0")
    assert (address.user, address.password, address.connect_timeout_s) == ("u", SECRET, None)


def test_the_environment_is_not_asked(monkeypatch):
    """What libpq takes from PG… variables is not taken: a password has one place."""
    for name in ("PGPASSWORD", "PGUSER", "PGHOST", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.setenv(name, "verify-full")
    address = read_address("postgresql:///d")
    assert address.password is None
    assert "verify-full" not in f"{address.user}{address.place}{address.sslmode}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://u:{SECRET}%zz@h/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}%00@h/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}%ff@h/d", "write postgresql://"),
        (f"mysql://u:{SECRET}@h/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}@[h/d", "write postgresql://"),
        (f"postgresql://u:p@h/d?{SECRET}=1", "write postgresql://"),
        (f"postgresql://u:p@h/d?{SECRET}", "write postgresql://"),
        (f"postgresql://u:a/{SECRET}@h/d", "write postgresql://"),
        (f"postgresql://u:1?sslmode={SECRET}@h/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}@h:port/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}@h:70000/d", "write postgresql://"),
        (f"postgresql://u:{SECRET}@a,b:1,c:2/d?port=1,2", "as many ports as hosts"),
        (f"postgresql://u:p@h/d?sslmode={SECRET}", "disable, prefer, require, verify-ca, verify-full"),
        (f"postgresql://u:p@h/d?target_session_attrs={SECRET}", "it knows any, read-write, primary"),
        (f"postgresql://u:p@h/d?connect_timeout={SECRET}", "connect_timeout"),
        (f"postgresql://u:p@h/d?passfile={SECRET}", "the parameter passfile, which Naru does not know"),
        (f"postgresql://u:{SECRET}@h/d?service=x", "the parameter service"),
        (f"postgresql://u:{SECRET}@h/d?sslmode=verify-ca", "needs sslrootcert=FILE"),
        (f"postgresql://u:{SECRET}@h/d?sslkey=/k", "sslkey and no sslcert"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained_and_not_repeated(url, said):
    """It may hold a password: the message names a parameter at most."""
    with pytest.raises(ConfigError, match=said) as caught:
        read_address(url)
    assert SECRET not in f"{caught.value}"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_address_shows_no_password():
    """Not in a traceback, not in a log."""
    assert SECRET not in repr(read_address(f"postgresql://u:{SECRET}@h/d"))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example("p@ss/w?rd#%41&=:,[")
def test_any_password_arrives_as_it_was(password):
    """Written with the percent signs that the manual asks for."""
    address = read_address(f"postgresql://u:{quote(password, safe='')}@h:1/d?sslmode=require")
    assert (address.password, address.hosts, address.database) == (password, (Host("h", 1),), "d")


@given(st.text(max_size=60))
def test_no_text_makes_anything_but_an_address_or_a_sentence(text):
    """Whatever was pasted: no traceback."""
    try:
        address = read_address(f"postgresql://{text}")
    except ConfigError:
        return
    assert address.hosts
    assert all(0 < host.port < 65_536 for host in address.hosts)
