"""How figures are written in a page. None is unknown and is shown as unknown, never as 0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from babel.numbers import format_compact_decimal, format_decimal, format_percent
from markupsafe import Markup

from naru.kernel.money import usd_from_nano
from naru.web.window import time_from_ns

Translate = Callable[[str], str]
_SIGNIFICANT: Final = 3


class Figures:
    """The filters of one language.

    Args:
        language: locale of numbers.
        translate: gettext of that language.
    """

    def __init__(self, language: str, translate: Translate) -> None:
        self._locale = language
        self._translate = translate

    def unknown(self) -> Markup:
        """A dash, with what it means for those who hover or listen."""
        meaning = self._translate("unknown")
        return Markup(
            '<span class="unknown" title="{0}"><span aria-hidden="true">—</span><i>{0}</i></span>'
        ).format(meaning)

    def number(self, value: float | None) -> str:
        return self.unknown() if value is None else format_decimal(value, locale=self._locale)

    def compact(self, value: int | None) -> str:
        """Short, with the exact number on hover."""
        if value is None:
            return self.unknown()
        if abs(value) < 10_000:
            return self.number(value)
        short = format_compact_decimal(value, locale=self._locale, fraction_digits=1)
        return Markup('<span title="{}">{}</span>').format(self.number(value), short)

    def percent(self, part: float, whole: float) -> str:
        if not whole:
            return self.unknown()
        pattern = "0.0%" if 0 < part / whole < 0.1 else "0%"
        return format_percent(part / whole, format=pattern, locale=self._locale)

    def usd(self, nano: int | None) -> str:
        """Dollars: cents above one dollar, three significant digits below."""
        if nano is None:
            return self.unknown()
        usd = usd_from_nano(nano)
        if usd == 0:
            return "$0"
        exact = f"${usd:,f}".rstrip("0").rstrip(".")
        return Markup('<span title="{}">${}</span>').format(exact, self._short_usd(usd))

    def ms(self, value: float | None) -> str:
        """A duration in the unit a person would say it in."""
        if value is None:
            return self.unknown()
        if value < 10:
            return f"{value:.1f} ms"
        if value < 1000:
            return f"{value:.0f} ms"
        if value < 60_000:
            return f"{value / 1000:.2f} s"
        return str(timedelta(seconds=round(value / 1000)))

    def time(self, ns: int | None, show: str = "time") -> str:
        """UTC as it stands without JavaScript; `time.js` rewrites it in the reader's zone.

        Args:
            show: `time` for date and seconds, `exact` for milliseconds too.
        """
        if ns is None:
            return self.unknown()
        moment = time_from_ns(ns)
        return Markup('<time datetime="{}" data-show="{}">{} UTC</time>').format(
            moment.isoformat(timespec="milliseconds"), show, moment.strftime("%Y-%m-%d %H:%M:%S")
        )

    @staticmethod
    def _short_usd(usd: Decimal) -> str:
        if abs(usd) >= 1:
            return f"{usd:,.2f}"
        places = _SIGNIFICANT - 1 - usd.adjusted()
        rounded = usd.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        return f"{rounded:f}".rstrip("0").rstrip(".")
