"""The plan that `naru combine init` writes where there is none yet."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
# The plan of one combination (가명정보 결합 계획). Both parties, key manager and body use the same file.
# It holds names of columns, and no secret.

key_items = ["name", "birth_date", "sex", "phone"]   # 결합키 생성항목

[project]
name = "{name}"
purpose = "statistics"        # 통계작성; or "research" 과학적 연구, "archive" 공익적 기록보존
destroy_on = {destroy_on}       # 파기일: from this day on nothing can be made any more
duplicates = "drop"           # a key that occurs twice: "drop" it, or join "all" of its rows (1:n)
lunar = "keep"                # lunar birth dates (음력): "keep" them marked, or "convert" them

"""

EXAMPLE_BODY: Final = """\
[roles]
quasi = ["A.birth_year", "A.sex", "A.sigungu"]   # 준식별자: from which somebody could tell who a row is
sensitive = ["A.spend", "B.disease"]             # 민감한 항목: what must not be told of a person

[bounds]                      # chosen by you and the body; the law names no figure
k = 3
l = 2
t = 0.6
max_suppressed = 0.1          # share of rows that may be left out to hold the bounds
# max_singled_out, max_linkability, max_inference: shares that the risks may reach; nothing said, no bound

[treat."A.birth_year"]        # how a column may be made coarser, finest first
kind = "interval"
steps = [5, 10, 20]

[treat."A.sigungu"]
kind = "address"              # 시군구 -> 시도 -> *

[treat."A.spend"]
round = 10000
top = 1000000                 # 상단코딩: everything above becomes 1000000
"""

EXAMPLE_PARTIES: Final = """\
[parties.A]
label = "Card company"
attributes = ["spend"]        # columns that go to the body as they are; no other column leaves
derived = ["birth_year", "sex", "sigungu"]   # coarse values made of key items

[parties.A.key]               # key item = this party's column
name = "성명"
birth_date = "생년월일"
sex = "성별"
phone = "휴대전화"
address = "주소"              # no key item here: only for `derived`

[parties.B]
label = "Health checkup"
attributes = ["disease"]

[parties.B.key]
name = "name"
birth_date = "birth"
sex = "sex"
phone = "mobile"

"""


def write_example(name: str, destroy_on: str) -> str:
    """The text of an example plan."""
    return EXAMPLE.format(name=name, destroy_on=destroy_on) + EXAMPLE_PARTIES + EXAMPLE_BODY
