"""The review's report in Markdown, Korean beside English. Counts and shares only; no value of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from naru.trust.combine.plan import Plan

_PURPOSES: Final = {
    "statistics": "statistics (통계작성)",
    "research": "scientific research (과학적 연구)",
    "archive": "archiving in the public interest (공익적 기록보존)",
}
_BOUNDS: Final = {
    "k": "k-anonymity (k-익명성), at least",
    "l": "distinct l-diversity (l-다양성), at least",
    "entropy_l": "entropy l-diversity (엔트로피 l-다양성), at least",
    "t": "t-closeness (t-근접성), at most",
    "singled_out": "singled out by up to three columns (특정), at most",
    "linkability": "found again by a party's own file (연결), at most",
    "inference": "inference of a sensitive value (추론), at most",
    "identifiers_in_text": "identifiers found in free text (자유 서술의 식별정보)",
    "second_opinion": "pycanon measures the same (교차 검증)",
}


def write_report(
    plan: Plan, link: Mapping[str, Any], joined: Mapping[str, Any], treated: Mapping[str, Any],
    treatment: Mapping[str, Any], made_at: str,
) -> str:  # fmt: skip
    """The whole page.

    Args:
        link: facts of the link step.
        joined, treated: what `check` found of both tables.
        treatment: facts of the treat step.
        made_at: UTC.
    """
    lines = [
        f"# Combination report · 가명정보 결합 보고서: {plan.project.name}",
        "",
        (
            f"Made {made_at} (UTC) by Naru, which is a tool and no designated body (결합전문기관). The "
            "figures are evidence for the review of the export (반출심사); the decision is the committee's."
        ),
        "이 보고서는 반출심사를 위한 근거 자료이며, 반출 여부는 결합전문기관의 반출심사위원회가 결정합니다.",
        "",
        "## Project · 개요",
        "",
        *_table(
            ("", ""),
            [
                ("Purpose · 처리 목적", _PURPOSES[plan.project.purpose]),
                (
                    "Parties · 결합신청자",
                    ", ".join(f"{n} {p.label}".strip() for n, p in plan.parties.items()),
                ),
                ("Key items · 결합키 생성항목", ", ".join(plan.key_items)),
                ("Key · 결합키", "HMAC-SHA256 with a secret of this project; not in this pack"),
                ("Destroy on · 파기일", str(plan.project.destroy_on)),
            ],
        ),
        "",
        "## Join · 결합",
        "",
        *_table(
            ("Party · 신청자", "Rows · 행", "Keys · 결합키", "Repeated · 중복", "Join rate · 결합률"),
            [
                (
                    party,
                    _count(one["rows"]),
                    _count(one["keys"]),
                    _count(one["rows_of_repeated_keys"]),
                    _percent(one["join_rate"]),
                )
                for party, one in link["parties"].items()
            ],
        ),
        "",
        (
            f"Matched keys (일치한 결합키): {_count(link['matched_keys'])}, one to one "
            f"{_count(link['matched_one_to_one'])}; joined rows (결합된 행): {_count(link['joined_rows'])}."
        ),
        "",
        "## Bounds · 기준",
        "",
        *_table(
            ("Bound · 기준", "Asked · 요구", "Joined · 결합 직후", "Export · 반출본", "Holds · 충족"),
            [
                (
                    _BOUNDS[name],
                    _number(one["asked"]),
                    _number(joined["bounds"].get(name, {}).get("found")),
                    _number(one["found"]),
                    "yes" if one["holds"] else "**NO**",
                )
                for name, one in treated["bounds"].items()
            ],
        ),
        "",
        "## Risk · 재식별 위험",
        "",
        *_table(("Measure · 지표", "Joined · 결합 직후", "Export · 반출본"), _risks(plan, joined, treated)),
        "",
        *_sensitive(joined, treated),
        "## Treatment · 추가 가명처리",
        "",
        *_table(
            ("Column · 항목", "Level · 단계", "Values · 값의 수", "Loss · 정보 손실"),
            [
                (
                    _cell(name),
                    f"{one['level']} of {one['of']}",
                    f"{_count(one['values_before'])} → {_count(one['values_after'])}",
                    _percent(one["loss"]),
                )
                for name, one in treatment["columns"].items()
            ],
        ),
        "",
        (
            f"Rows left out (삭제된 행): {_count(treatment['suppressed'])} "
            f"({_percent(treatment['suppressed_share'])}); "
            f"rows exported (반출 행): {_count(treatment['rows'])}; "
            f"information lost in all (전체 정보 손실): {_percent(treatment['loss'])}."
        ),
        "",
        *_doubts(treated),
    ]
    return "\n".join(lines) + "\n"


def _risks(plan: Plan, joined: Mapping[str, Any], treated: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    both = (joined, treated)

    def row(name: str, *path: str) -> tuple[str, str, str]:
        found = []
        for report in both:
            value: Any = report
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            found.append("-" if value is None else _percent(value))
        return (name, found[0], found[1])

    rows = [
        row("Rows in classes below 3 (3 미만)", "k", "share_below_3"),
        row("Rows in classes below 5 (5 미만)", "k", "share_below_5"),
        row("Unique in the quasi-identifiers (유일한 행)", "uniqueness", "both"),
    ]
    rows += [
        row(f"Unique before the join, {party} (결합 전)", "uniqueness", f"{party} before")
        for party in plan.parties
    ]
    rows.append(row("Singling out by up to 3 columns (특정 가능성)", "singling_out", "share"))
    rows += [
        row(f"Linkability by {party}'s own file (연결 가능성)", "linkability", party, "unique")
        for party in plan.parties
    ]
    rows += [
        row(f"Known to be a customer of both, {party} (결합 여부 노출)", "presence", party, "certain")
        for party in plan.parties
    ]
    return rows


def _sensitive(joined: Mapping[str, Any], treated: Mapping[str, Any]) -> list[str]:
    if not treated["sensitive"]:
        return []
    rows = []
    for name, one in treated["sensitive"].items():
        before = joined["sensitive"].get(name, {}).get("inference", {}).get("risk")
        rows.append(
            (
                _cell(name),
                str(one["l_min"]),
                f"{one['entropy_l_min']:.2f}",
                f"{one['t_max']:.3f}",
                _percent(one["share_homogeneous"]),
                "-" if before is None else _percent(before),
                _percent(one["inference"]["risk"]),
            )
        )
    heading = (
        "Sensitive · 민감한 항목",
        "l",
        "entropy l",
        "t",
        "Homogeneous · 동질",
        "Inference joined · 추론",
        "export",
    )
    return [*_table(heading, rows), ""]


def _doubts(treated: Mapping[str, Any]) -> list[str]:
    """What a reader must look at with their own eyes."""
    found = []
    for name, one in treated["outliers"].items():
        if one.get("far_rows"):
            rows = _count(one["far_rows"])
            found.append(f"- {_cell(name)}: {rows} rows far outside (이상치); consider top coding (상단코딩)")
        if one.get("rare_values"):
            values, rows = _count(one["rare_values"]), _count(one["rare_rows"])
            found.append(f"- {_cell(name)}: {values} values in {rows} rows are rare (희소값)")
    found += [
        f"- {_cell(name)}: {_count(one['cells'])} small cells of {_count(one['of'])} (소수 셀)"
        for name, one in treated["small_cells"].items()
    ]
    single = treated["singling_out"]
    if single["tried"] < single["of"]:
        found.append(f"- singling out looked at {single['tried']} of {single['of']} combinations of columns")
    return ["## To be looked at · 검토할 사항 (특이정보)", "", *found, ""] if found else []


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heading)} |", "|" + "---|" * len(heading)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _cell(text: str) -> str:
    """A column's name is its owner's text: it must not end a cell, or begin a link or a tag."""
    return "".join(f"\\{c}" if c in "|\\`*_[]<>#&!" else c for c in text if c.isprintable())


def _count(number: int) -> str:
    return f"{number:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:g}"
