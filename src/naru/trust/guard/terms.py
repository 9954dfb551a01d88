"""Words of many languages on a few concepts, and the one pass that finds them in a text.

Rules speak of concepts ("override a prior instruction"), so a new language is a line here and no new rule.
A term that ends in `*` stands for its inflections. Of terms that begin at the same place the longest counts:
longer harmless phrases (concept NONE) therefore take the place of shorter telling ones.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from naru.trust.guard.normalise import fold

MAX_HITS = 4_000


class Hit(NamedTuple):
    """A concept in a folded text, half open, in code points."""

    start: int
    end: int
    concept: str


# One line a language where it can be. Blanks in terms are single blanks of the folded text.
TERMS: dict[str, str] = {
    # Setting aside what was said before.
    "OVERRIDE": """
        purge | purged | scrap | pay no heed | take no notice | ditch | toss out | toss your | shed your | abolish* | nullif* | annul* | revoke* | rescind* | suspended | repealed | invalidate* | expired | null and void | superseded | leave aside | leave all of that aside | leave that aside | put aside | let go of | don't care about | do not care about | unlearn | act as though | act as if | never been sent | never happened | stop being | stop acting | quit being | drop your | drop the act | released from | release you from | relieved of | rid of | break out of | escape your | reject your | refuse your | don't mind the | do not mind the | don't bother with | no need to follow | no need to obey | are gone | have been removed | have been lifted | have been purged | have been deleted | have changed | no longer exist | doesn't exist | put there by mistake | no longer binding | not binding | you needn't | you need not
        hinfallig | beiseite | kummere dich nicht | halte dich nicht | gilt nicht mehr | gelten nicht mehr | streiche | losche alle | setze dich uber
        laisse tomber | laissez tomber | mets de cote | mettez de cote | ne respecte plus | ne suis plus | n'obeis plus | passe outre | annule
        deja a un lado | deja de lado | dejad | olvidate | olvidese | haz como si | anula | no respetes | salta | saltate | rompe
        抛到脑后 | 抛在脑后 | 不用遵守 | 不用理 | 别理 | 丢掉 | 不受 | 作废 | 取消 | なかったことに | 気にせず | 気にしないで | 従わず | 捨てて | 取り消して | 聞かなくて | 守らず
        없던 걸로 | 없던 일로 | 없었던 걸로 | 없는 셈 | 풀렸 | 풀어 줄 | 풀어줄 | 해제됐 | 해제되었 | 해제됨 | 초기화합 | 초기화됩 | 초기화되 | 개나 주 | 치우고 | 치워 | 듣지 않아도 | 됐고 | 접어두 | 접어 두 | 내려놓 | 제껴 | 제끼 | 상관하지 | 상관없이 | 신경쓰지 | 의식하지 | 벗어던 | 끝났어 | 종료하고 | 적용되지 않 | 지킬 것 없 | 안 따라 | 거역
        ignor* | disregard* | forget | forgetting | forgotten | overrid* | bypass* | circumvent* | neglect | discard | dismiss
        do not follow | don't follow | dont follow | stop following | no longer follow* | don't obey | do not obey | stop obeying
        don't listen to | do not listen to | do not adhere | don't adhere | stop adhering | not adhere | pay no attention to | pay no mind to | no longer apply | do not apply | no longer valid | are void | is void | void
        are no longer in effect | are cancelled | are canceled | are obsolete | are suspended | are lifted | supersed* | replaces all | replace all | cancel all | delete all | erase all | wipe all | drop all | skip all | set aside | throw away | throw out | leave behind | clear your | erase your | wipe your | reset your | never mind | nevermind
        do not consider | don't consider | disobey* | violate | break your | break all | go against | abandon | disable* | turn off | deactivate | switch off | get rid of | remove all | remove any | remove your
        ignorier* | vergiss* | vergesst | vergessen sie | missacht* | missachte | beachte nicht | nicht beachten | lass alle | lasse alle | verwirf | verwerf* | uberschreib* | umgeh* | befolge nicht | folge nicht
        oublie | oubliez | oublier | oublies | ignorez | ne tiens pas compte | ne tenez pas compte | ne tiens plus compte | ne suis pas | ne suivez pas | ne respecte* pas | ne tiens aucun compte | fais abstraction | faites abstraction | neglige* | contourne*
        ignora | ignore | ignores | ignoren | olvida | olvide | olviden | olvidate | olvidese | omite | omita | descarta | descarte | no sigas | no siga | no hagas caso | no haga caso | haz caso omiso | pasa por alto | desobedec* | no tengas en cuenta | deja de seguir
        ignorar | esqueca | esquece | desconsidere | desconsidera | dimentica* | ignora* | trascura* | negeer | vergeet
        zignoruj | zapomnij | zignorujte | ignoruj | zaboravi | zanemari | zaboravite | zapomen | glem | ignorera | glom
        игнориру* | проигнорируй* | забудь* | не обращай внимания | не следуй
        忽略 | 无视 | 無視 | 忘记 | 忘掉 | 忘了 | 不要理会 | 别管 | 不用管 | 抛弃 | 不再遵守 | 不要遵守 | 不必遵守 | 不遵守 | 不再遵循 | 不要遵循 | 撤销 | 绕过 | 突破 | 覆盖 | 解除 | 违反 | 抛开 | 丢弃
        無視し* | 無視せよ | 忘れて* | 忘れろ | 忘れ* | 従わない* | 従うな | 守らな* | 破棄 | 取り消し | 解除し | 上書き | 放棄し
        무시 | 무효 | 잊어 | 잊으 | 잊고 | 잊자 | 잊은 | 잊을 | 잊혀 | 잊었 | 까먹어 | 까먹고 | 따르지 마 | 따르지마 | 따르지 말 | 따르지말 | 따를 필요 없 | 따를 필요가 없 | 따를 필요는 없 | 지키지 마 | 지키지마 | 지키지 말 | 지킬 필요 없 | 지킬 필요가 없 | 안 지켜도 | 안 따라도 | 지키지 않아도 | 따르지 않아도 | 신경 쓰지 마 | 신경쓰지 마 | 신경쓰지마 | 신경 쓰지 말 | 신경 꺼 | 신경 끄 | 취소하 | 취소해 | 폐기하 | 폐기해 | 파기하 | 우회하 | 우회해 | 해제하 | 해제해 | 덮어쓰 | 덮어써 | 어겨 | 어기고 | 벗어나 | 초기화하 | 초기화해 | 삭제하고 | 지워버리 | 지우고 | 제쳐두 | 제쳐 두 | 집어치우 | 집어치워 | 때려치우 | 때려치워 | 버리고 | 듣지 마 | 듣지 말 | 적용하지 마 | 적용하지 말 | 고려하지 마 | 고려하지 말 | 생까 | 쌩까 | 스킵하 | 스킵해 | 리셋하 | 리셋해 | 꺼버려 | 끄고 | 비활성화
    """,
    # Not an override though the words are there.
    "NONE": """
        do not ignore | don't ignore | dont ignore | never ignore | not to ignore | do not disregard | don't disregard | not to disregard | don't forget | do not forget | dont forget | never forget | not forget | not to forget | do not bypass | not to bypass | without ignoring | forget-me-not | forget about it | ignored files | gitignore
        ignore case | ignore errors | ignore warnings | ignore whitespace | do not override | method overriding | function overriding | override method | override the method | bypass surgery | bypass diet | gastric bypass | coronary bypass
        무시하지 마 | 무시하지마 | 무시하지 말 | 무시하지 않 | 무시할 수 없 | 무시못 | 무시 못 | 무시당 | 무시 당 | 무시무시 | 무시받 | 무시하는 사람 | 무시하는 상사 | 무시하는 친구 | 무시하는 남 | 무시하는 동료 | 대소문자 무시 | 대소문자를 무시 | 공백 무시 | 공백을 무시 | 잊지 마 | 잊지마 | 잊지 말 | 잊지 않 | 잊을 수 없 | 잊어버리는 | 잊어버렸 | 잊을까 | 잊혀진 | 잊고 싶 | 잊고 살 | 무효표 | 무효 소송 | 무효소송 | 특허 무효 | 무효심판
        ne pas ignorer | n'oublie pas | n'oubliez pas | no olvides | no olvide | vergiss nicht | vergessen sie nicht | nicht vergessen | 不要忽略 | 不要忘记 | 别忘了 | 不能忽略 | 别忘记 | 忘れない* | 忘れずに | 忘れ物 | 忘れられない | 無視でき* | 無視しないで
        password policy | password manager | password managers | password security | password strength | password reset | password protect* | password field | password hash* | password generator | password requirements | password expir* | password input | secret santa | secret ingredient* | secret garden | the secret of | the secret to | secret recipe | secret to | secret of success | secret sauce | secret service | secret ballot | the secrets of | secret weapon | secret admirer
        비밀번호 변경 | 비밀번호를 변경 | 비밀번호 재설정 | 비밀번호를 재설정 | 비밀번호 찾기 | 비밀번호를 잊 | 비밀번호 정책 | 비밀번호 관리 | 비밀번호 초기화 | 비밀번호를 초기화 | 비밀번호 설정 | 비밀번호를 설정 | 비밀번호 규칙 | 비밀번호 입력 | 비밀번호를 만들 | 비밀번호 만들 | 암호화 | 암호학 | 암호 화폐 | 암호화폐
        unrestricted land | unlimited data | unlimited storage | unlimited plan | unlimited vacation | unfiltered olive oil | unfiltered water | unfiltered beer | unfiltered sake | unfiltered cigarette*
        developer mode on android | developer mode on my | developer mode on an | android developer mode | jailbreak an iphone | jailbreak my iphone | iphone jailbreak* | jailbreaking an iphone | jailbreak in the context of mobile
        system instructions manual | instruction manual | instruction set | instruction sets | instruction pipeline | instruction tuning | instruction-tuned | command line | command-line | command prompt | rules of thumb | rule of thumb | in order | in order to | dans l'ordre | rule of law | rule of three | purchase order* | work order* | prompt payment | prompt reply | prompt response | prompt engineering | prompt template* | prompt injection* | assembly instructions | care instructions | washing instructions | cooking instructions | grammar rules | house rules | traffic rules | rules of chess | rules of the game | rules of soccer | exchange rules | 명령어 | 명령형 | 명령줄 | 명령 프롬프트 | 프롬프트 엔지니어링 | 프롬프트 인젝션 | 프롬프트 작성법 | 지시약 | 지시대명사 | 지시 대명사 | 규칙적 | 불규칙 | 맞춤법 규칙 | 교통 규칙 | 게임 규칙 | 대화형 | 설정액 | 설정샷 | 정책금융 | 정책 금융
        for all | above all | 이상의 | 이상을 | 이상이 | 이상 | 위해 | 위한 | 위하여 | 위치 | 위험 | 위반 | 위원 | 위로 | 위기 | 위와 같 | 위생 | 위대 | 위탁 | 위임 | 위임장 | 앞으로 | 앞당 | 앞장 | 앞서
    """,
    # Which instructions: those that stand before.
    "PRIOR": """
        former | ur | imposed | handed | given | dir gegebenen | qu'on t'a | imposees | te pidieron | impuestas | 给你的 | 開発者の | ここまで | 앞에 나온 | 앞에서 | 사전 | 원래 | 그딴 | 개발자가 | 회사가 | 운영자가 | 방금까지
        previous | previously | prior | preceding | above | earlier | former | foregoing | past | initial | original | existing | current | aforementioned | so far | until now | up to now | before this | before that | before | all | any | every | everything | anything | whatever | these | those | your | you were given | you've been given | you have been given | you received | you have received | given to you | you were told | you've been told | previus | prevous | previos | prevoius | built-in | hardcoded | default | system
        bisherig* | vorherig* | vorhergehend* | vorige* | vorangegangen* | vorangehend* | vorangestellt* | obig* | oben | davor | zuvor | alle | alles | deine | deinen | ihre | fruhere* | ursprunglich* | gegebenen | vorstehend*
        precedent* | precedente* | anterieur* | ci-dessus | avant | tout | toutes | tous | toute | tes | vos | initiales | initiale | recu | recues
        anterior | anteriores | previas | previos | previa | previo | antes | arriba | todo | todas | todos | toda | tus | sus | iniciales | dadas
        anteriores | acima | precedenti | vorige | eerdere | sopra | tutte | tutto | poprzednie | wszystkie | sve | prethodne | predchozi | tidigare | alla
        предыдущ* | все | всё | прежние | выше
        之前 | 以上 | 先前 | 上述 | 上面 | 前面 | 所有 | 一切 | 此前 | 全部 | 任何 | 原来 | 原有 | 你的 | 您的 | 之前的 | 刚才 | 你收到的 | 以前
        これまで | 以前 | 前の | 上記 | 今まで | すべて | 全て | 先ほど | さっき | あなたの | 元の | 最初の | 上の | 与えられた | 直前
        이전 | 앞선 | 앞의 | 앞에 | 위의 | 위에 | 위 지 | 위 명 | 위 내 | 위 규 | 위 프 | 위 대 | 위 문 | 윗 | 기존 | 지금까지 | 여태까지 | 여태 | 이때까지 | 방금 | 아까 | 모든 | 모두 | 전부 | 처음 | 원래 | 초기 | 최초 | 먼저 | 선행 | 직전 | 종전 | 상기 | 전에 | 그동안 | 이제까지 | 앞서 받은 | 받았던 | 받은 | 주어진 | 너의 | 네_ | 당신의 | 너한테 | 내린 | 설정된 | 입력된 | 걸려 있는 | 걸린 | 내장된 | 앞 지 | 앞 명 | 앞 내 | 전 지시 | 전 명령 | 시스템
    """,
    # What binds a model.
    "INSTR": """
        guidance | operator | what the operator | told so far | first message | norms | limitations | regulations | policies | policy | memory of all | what came before | duties | role | job | limits | filters | user story | article | brief | mandate | normas | limitaciones | lo que te pidieron | lo que dijeron | limites | verboten | grenzen | vorgeschichte | system-anweisung* | 开发者 | 开发者给你 | 設定 | 開発者 | 운영자 | 사전 지시 | 운영 지침 | 상담원 지침 | 매뉴얼 | 그딴 지침 | 문서
        directions | direction | settings | the safety rules | priorities
        instruction | instructions | instrution* | instuction* | intruction* | instructon* | prompt | prompts | directive | directives | guideline | guidelines | rule | rules | ruleset | command | commands | orders | assignment | assignments | programming | constraints | restriction | restrictions | guardrails | safeguards | safety filters | content filters | content policy | content policies | usage policies | safety protocols | safety guidelines | safety training | moral guidelines | ethical guidelines | context | conversation | message | messages | text | what you were told | what i said | what i told you | what was said | what you have been told | input | inputs | told you | programming | training | mandates | task | tasks | requests | statements | system message | persona | configuration | protocols | content | things | words | sentences | questions | dialogue | dialog | said | written | notes
        anweisung* | befehl* | regel* | auftrag* | auftrage | instruktion* | vorgabe* | richtlinie* | aufgabe* | anordnung* | gesagte | eingabe* | einstellungen | informationen | text | gesagt wurde | gesagt habe | nachrichten
        instruction* | consigne* | directive* | ordres | regles | commandes | indications | ce qui precede | ce que je t'ai dit | ce qu'on t'a dit | messages | taches | restrictions
        instruccion* | indicacion* | ordenes | reglas | directrices | normas | comandos | lo que te dijeron | mensajes | tareas | pautas | restricciones | lo que te dije | instrucoes | regras | istruzioni | regole | instructies | regels | opdrachten | instrukcj* | polecen* | upute | pokyny | instruktioner | comandi | ordini
        инструкци* | указани* | правил* | команд* | сказано | сказал
        指令 | 指示 | 命令 | 规则 | 规定 | 提示 | 提示词 | 说明 | 限制 | 设定 | 要求 | 对话 | 内容 | 约束 | 准则 | 任务 | 上下文 | 政策 | 原则
        ルール | プロンプト | 規則 | 制限 | 設定 | 制約 | 会話 | 指令 | 命令 | ガイドライン | 内容 | 言われたこと | 文章
        지시 | 명령 | 규칙 | 프롬프트 | 지침 | 제한 | 제약 | 가이드라인 | 가이드 | 대화 | 내용 | 정책 | 규정 | 설정 | 안내 | 룰 | 말한 것 | 말한 거 | 말했던 | 들은 것 | 들은 거 | 얘기 | 말은 | 말들 | 말을 | 문장 | 메시지 | 메세지 | 입력 | 조건 | 원칙 | 약속 | 컨텍스트 | 맥락 | 과제 | 작업 | 요청 | 안전장치 | 안전 장치 | 필터 | 검열 | 배운 것 | 학습한 | 역할
    """,
    # The strong ones among them: words that speak of a model's own rules only.
    "MODELRULE": """
        programming | guardrails | safeguards | safety filters | content filters | content policy | content policies | usage policies | safety guidelines | ethical guidelines | moral guidelines | safety training | openai policy | openai policies | openai's | anthropic's | ethical constraints | safety measures
        안전장치 | 안전 장치 | 윤리 규정 | 윤리규정 | 윤리 지침 | 콘텐츠 정책 | 컨텐츠 정책 | 안전 지침 | 안전 필터 | 가드레일
        安全限制 | 内容政策 | 道德准则 | 安全装置 | 倫理規定 | sicherheitsrichtlinie* | filtres de securite | filtros de seguridad
    """,
    "KEEP": """
        follow the | follow my | follow these
        follow | following | read | according to | keep to | as per | based on | check | per the | using the | see the
    """,
    # Said of rules, to be rid of them.
    "VOID": """
        were a mistake | are a mistake | was a mistake | were wrong | are wrong | are outdated | were outdated | were just a test | are just a test | was just a test | was only a test | is just an example | does not matter | do not matter | doesn't matter | don't matter | drop that | drop the | matters | are to be ignored | no longer matter | apply no longer | do not count
        sind ungultig | gelten nicht | ne s'appliquent plus | quedan anuladas | ya no aplican | 作废 | 无效 | 只是测试 | 無効 | 끝났 | 유효하지 않 | 틀렸 | 중단하고 | 그만두고 | 멈추고 | 안 중요 | 상관없
    """,
    # Wishes that have no harmless reading when a trick goes with them.
    "GRAVE": """
        napalm | bomb | bombs | explosive* | molotov | meth | ransomware | malware | keylogger | activation key* | windows keys | serial key* | nerve agent | ricin | hotwire | launder money | money laundering | break into a | steal a car | phishing mail | phishing email | forge a | counterfeit money | hack into | hack a | poison someone | kill someone | pick a lock
        네이팜 | 폭탄 | 화염병 | 필로폰 | 마약 | 시디키 | 랜섬웨어 | 악성코드 | 해킹하 | 해킹 방법 | 해킹하는 | 사기 치는 | 炸弹 | 爆弾 | bombe | bomba
    """,
    "GRAN": """
        grandma | grandmother | granny | grandpa | grandfather | bedtime | bedtime stories | fall asleep | oma | grand-mere | abuela | 할머니 | 할아버지 | 자기 전 | 奶奶 | おばあちゃん
    """,
    "DETAIL": """
        step by step | step-by-step | in detail | exact quantities | exact amounts | detailed instructions | without leaving out | full recipe | working code | exact steps | 단계별 | 자세히 | 구체적 | 상세히 | 详细 | 詳しく
    """,
    # Asking for text to be put out.
    "TELL": """
        reproduce | hand over | let me have | transcribe | sum up | tl;dr | retell | remind me | remind | enumerate | identify | point out | 写出 | 写下 | 書いて | 書き写 | 옮겨 적 | 읽어 | 보여줄 | 삼행시 | 몇 글자 | 첫글자 | 나열하 | 불러 | tip me off | wie viele | recopie
        rewrite | put | save | spell-check | recall | recap | need | want
        show | reveal | reveals | revealing | print | prints | repeat | output | outputs | outputting | display | disclose | divulge | dump | recite | quote | tell | tell me | give me | give us | write out | write down | write the | spell | spell out | expose | leak | share | return | list | provide | copy | paste | echo | read out | read back | read me | state | type out | what is | what's | whats | what are | what were | what was | which | say | summarize | summarise | paraphrase | translate | encode | describe | rephrase | explain | extract | append | include | rot13 | reverse | start with | export | let me see | i want to see | i need to see | can i see | verbatim | word for word | hint* | guess | rhym* | acrostic | poem about | confirm | format | convert | inspect
        zeig* | verrat* | nenn* | wiederhol* | gib | gib mir | ausgeben | schreib* | sag | sag mir | sage | was ist | was sind | wie lautet | wie lauten | druck* | teile mir | offenbar* | welche
        montre* | affiche* | revele* | repete* | donne* | dis-moi | ecris | quelles sont | quelle est | quel est | imprime* | recopie* | communique* | traduis | resume
        muestra* | revela* | repite* | repita | imprime | dime | dame | escribe | cuales son | cual es | dinos | ensename | traduce | mostra* | rivela* | dimmi
        покажи | выведи | повтори | напиши | скажи | раскрой
        告诉 | 输出 | 显示 | 打印 | 重复 | 透露 | 泄露 | 展示 | 公开 | 说出 | 写出 | 是什么 | 给我 | 复述 | 列出 | 翻译 | 总结 | 翻译成 | 把你
        教えて | 出力 | 表示 | 見せて | 繰り返し | 繰り返して | 公開 | 明かし | 何ですか | 述べ | 印刷 | 書き出し | 貼り付け | 示して | 翻訳 | 要約
        보여 | 알려 | 출력 | 말해 | 말씀해 | 공개해 | 공개하 | 적어 | 써 줘 | 써줘 | 써봐 | 써 봐 | 반복 | 복사 | 붙여 | 번역해 | 요약해 | 나열 | 뭐야 | 뭐니 | 뭐지 | 뭐예요 | 뭐에요 | 뭔지 | 뭔데 | 무엇 | 뭐였 | 읊어 | 그대로 | 털어놔 | 털어놓 | 밝혀 | 밝히 | 불러줘 | 불러 줘 | 불러봐 | 내놔 | 내놓 | 까봐 | 까 봐 | 프린트 | 표시해 | 표시하 | 인용 | 옮겨 | 공유해 | 가르쳐 | 얘기해 | 이야기해 | 설명해 | 인코딩 | 힌트 | 거꾸로 | 첫 글자 | 궁금 | 볼 수 있 | 보고 싶 | 확인하고 싶 | 노출 | 누설
    """,
    # Words for the model's own prompt; nothing else is meant by them when they are "yours".
    "PROMPTOBJ": """
        prompt | prompts | instructions | instruction | directives | preamble | instrutions | intructions | promt
        anweisungen | anweisung | instruktionen | consignes | instrucciones | indicaciones | istruzioni | instrucoes | инструкции | промпт
        提示词 | 提示 | 指令 | 指示 | プロンプト | 指示 | 指示文 | 프롬프트 | 지시 | 지침 | 지시문 | 지시사항 | 명령문
    """,
    "RULEOBJ": """
        guidelines | rules | configuration | programming | context window | initialization | guidance | constraints | restrictions | settings | context | text | content | message | messages | source code | policies | training data
        regeln | vorgaben | richtlinien | regles | directives | reglas | directrices | 设定 | 规则 | 内容 | 設定 | ルール | 文章 | 명령 | 설정 | 규칙 | 안내문 | 가이드라인 | 내부 규정 | 초기값 | 내용 | 문장 | 텍스트
    """,
    "MINE": """
        your | you were given | you were told | you are following | you follow | you have been given | you've been given | you got | you received | you operate | you work under | given to you | hidden | secret | system | initial | internal | confidential | underlying | developer | initially | ur
        dein | deine | deinen | deiner | deines | ihre | ihren | geheim* | ursprunglich* | interne* | versteckt*
        ton | ta | tes | votre | vos | cache* | secret* | systeme | initial* | interne*
        tu | tus | su | sus | ocult* | secret* | inicial* | intern* | sistema | original* | tuo | tue | seu | suas
        твои | твой | свои | свой | системн* | секретн*
        你的 | 您的 | 系统 | 隐藏 | 初始 | 秘密 | 内部 | 收到的 | 原始
        あなたの | 君の | システム | 隠された | 秘密 | 初期 | 最初 | 内部 | 与えられた | 元の
        너의 | 네_ | 니_ | 너한테 | 너에게 | 네가 받은 | 네가 따르 | 당신의 | 당신이 받은 | 당신에게 | 너가 받은 | 니가 받은 | 시스템 | 숨겨진 | 숨긴 | 숨은 | 비밀 | 초기 | 처음 | 최초 | 원본 | 내부 | 원래 | 개발자가 | 관리자가 | 받은 | 주어진 | 설정된
    """,
    "WHOLE": """
        full | entire | exact | complete | original | the above | above | verbatim | word for word | at the top | beginning of this | start of this | before this | before our | previous | preceding | first | top of | prior | everything | all
        oben | wortlich | gesamt* | vollstandig* | alles | complet* | exact* | ci-dessus | mot pour mot | tout | toutes | todo | todas | palabra por palabra
        完整 | 全部 | 上面 | 以上 | 之前 | 所有 | 逐字 | 完全な | 全文 | 上記 | 一字一句 | すべて | 全て
        전체 | 전문 | 위의 | 위에 | 이전 | 맨 앞 | 맨 위 | 그대로 | 한 글자도 | 글자 그대로 | 토씨 하나 | 모든 | 전부 | 기본
    """,
    "SYSPROMPT": """
        system prompt | system prompts | system message | system messages | system instructions | system instruction | initial prompt | hidden prompt | developer message | pre-prompt | preprompt | meta prompt | metaprompt | base prompt | prompt prefix | initial instructions | hidden instructions | secret instructions | original instructions | internal instructions | custom instructions | system text
        system-prompt | systemprompt | systemnachricht | prompt systeme | invite systeme | prompt de sistema | prompt del sistema | mensaje del sistema | prompt di sistema | prompt do sistema | системный промпт | системные инструкции
        系统提示 | 系统提示词 | 系统消息 | 系统指令 | 初始指令 | 初始提示 | システムプロンプト | システムメッセージ | 初期プロンプト | システム指示
        시스템 프롬프트 | 시스템프롬프트 | 시스템 메시지 | 시스템메시지 | 시스템 메세지 | 시스템 지시 | 시스템 명령 | 시스템 지침 | 초기 프롬프트 | 초기 지시 | 숨겨진 프롬프트 | 숨겨진 지시 | 비밀 지시 | 비밀 프롬프트 | 내부 지침 | 내부 지시 | 히든 프롬프트 | 원본 프롬프트
    """,
    # All that was said, in one breath with setting it aside.
    "RESET": """
        forget everything | forget all | forget it all | ignore everything | ignore all of that | ignore all that | ignore all of this | ignore it all | disregard everything | disregard all of | disregard that | ignore the above | disregard the above | forget the above | ignore the text above | ignore what i said | forget what i said | forget about everything | ignore the rest | forget what you were told | ignore what you were told | forget who you are | forget you are | forget that you are | forget you're | ignore previous | ignore prior | ignore above | disregard previous | disregard prior | forget previous | forget prior | forget your | ignore your | disregard your
        vergiss alles | vergessen sie alles | vergiss alle | vergessen sie alle | ignoriere alles | ignorieren sie alles | oublie tout | oubliez tout | ignore tout | olvida todo | olvide todo | olvidate de todo | ignora todo | esqueca tudo | dimentica tutto | забудь все | забудь всё | zaboravi sve
        忘记一切 | 忘记所有 | 忘掉所有 | 忘掉一切 | 忽略一切 | 忽略以上 | 忽略上面 | 忽略所有 | 忽略之前 | 忘记之前 | 全部忘记 | すべて忘れて | 全て忘れて | 全部忘れて | 上記を無視 | 以上を無視 | 今までのことは忘れ
        다 잊어 | 다 잊고 | 전부 잊어 | 전부 잊고 | 모두 잊어 | 모두 잊고 | 모든 걸 잊 | 모든 것을 잊 | 싹 잊 | 싹 다 잊 | 다 무시 | 전부 무시 | 모두 무시 | 싹 다 무시 | 모든 걸 무시 | 위에 건 무시 | 위의 내용 무시 | 위 내용 무시 | 이전 내용 무시
    """,
    # The model itself, spoken to.
    "YOU": """
        you are | you're | you can | you have | you will | you must | you do | you don't | your | ai | a.i. | chatgpt | gpt | gpt-3 | gpt-4 | gpt4 | chatbot | assistant | bot | language model | llm | claude | gemini | bard | llama | siri | alexa | chat gpt | openai | robot | ki | sprachmodell | ia | modele de langage | modelo de lenguaje | du | tu es | eres | ты
        你是 | 你现在 | 你可以 | 你将 | 人工智能 | 语言模型 | 你不 | あなたは | 君は | お前は | 人工知能 | 言語モデル
        너는 | 넌 | 네가 | 니가 | 너도 | 당신은 | 당신이 | 인공지능 | 챗봇 | 챗지피티 | 챗gpt | 언어 모델 | 언어모델 | 어시스턴트 | 클로드 | 제미나이 | 비서
    """,
    # Whole phrases that ask for the prompt by themselves.
    "LEAK": """
        opening lines of this | exact words you | words you were | in front of this chat | in front of this conversation | before my first message | written before my | messages from the system | guideline you've been | guidelines you've been | you've been handed | you were configured | starting from token | starting at token | contents of your context | content of your context | your context window | tl;dr of your | lines of your prompt | paragraph of your instructions | sentence of your instructions | ones that i can't see | that i cannot see | that is hidden from me | text before the conversation | start of our conversation | everything in your context | initial message you | you received before | how you were set up | what guides your | the text that precedes | words preceding | part of your prompt | your preprompt | your pre prompt | your base prompt
        wortlaut deiner | deiner systemanweisung* | deine systemanweisung* | deiner anweisungen | was dir gesagt wurde | dir vorgegeben | tes concepteurs | t'ont donnees | qu'on t'a donnees | lo que te indicaron | antes de esta conversacion | te dieron
        开发者给你的 | 给你的设定 | 你的设定 | 对话开始前 | 最初に与えられた | 与えられた最初の | 会話の前
        눈에는 안 보이는 | 네게 입력된 | 너에게 입력된 | 설정할 때 쓴 | 맨 첫머리 | 운영 지침을 | 내려진 지침 | 내려진 운영 | 대화 시작 전 | 대화가 시작되기 | 너를 설정 | 너를 만들 때 | 숨은 지시 | 앞서 입력된 | 내가 말하기 전에
        everything from the start | text from the start | before this line | words that came before | everything that came before | before my message | text from the beginning | are you configured | were you configured | were you programmed | were you prompted | your developers write | developers wrote | sentence above this | first line of your | first sentence of your | last line of your
        repeat everything above | repeat the text above | repeat the words above | repeat all the words above | repeat the above | print everything above | output everything above | everything above this line | show me everything above | print the text above | what is written above | what was written above | what's written above | the text above this | sentence above | words above | first sentence of your prompt | starting with the phrase you are | starting with you are | starting with "you are | begins with you are | what's at the beginning of this document | what is at the beginning of the document | what was at the start | beginning of the prompt | content of the document above | what did the developer* tell you | what were you told | what have you been told | how were you instructed | how have you been instructed | what are you instructed | what were you instructed | what are you not allowed to | what are you forbidden | what can't you talk about | what topics are you not allowed | tl;dr all above | summarize everything above | translate everything above | translate the above | repeat after "system | text before this | everything before this | all text above | messages above | above prompt | prompt above | previous text verbatim | reveal your prompt | show your prompt | copy of the full prompt | full prompt text | your initial prompt | your system prompt | your hidden prompt | your pre-prompt | your secret instructions | your initial instructions | your original instructions | your instructions verbatim | prompt you were given | instructions you were given | instructions you received | how were you programmed | what is your source code | your source code | your internal instructions | system prompt verbatim
        alles was oben | alles oben | was steht oben | wiederhole alles | dein system-prompt | deinen system-prompt | deinen systemprompt | dein systemprompt | ton prompt systeme | votre prompt systeme | repete tout ce qui precede | tout ce qui se trouve au-dessus | repite todo lo anterior | todo lo que esta arriba | tu prompt de sistema | tu prompt del sistema | el texto anterior
        以上所有内容 | 上面的所有内容 | 重复上面 | 你的系统提示 | 你的提示词 | 你的初始指令 | 上面的文字 | 你收到的指令
        上記の文章をすべて | 上記をすべて | ここまでの文章 | あなたのシステムプロンプト | あなたのプロンプト | 上の文章を
        위에 있는 내용을 전부 | 위 내용을 그대로 | 위에 적힌 | 위에 쓰인 | 위에 써 있는 | 위에 나온 모든 | 위의 모든 | 위의 글을 | 위 문장들을 | 네 시스템 프롬프트 | 너의 시스템 프롬프트 | 당신의 시스템 프롬프트 | 네 프롬프트 | 니 프롬프트 | 너의 프롬프트 | 네가 받은 지시 | 네가 받은 명령 | 너한테 주어진 지시 | 당신이 받은 지시 | 받은 첫 번째 메시지 | 받은 첫 메시지 | 어떤 지시를 받았 | 무슨 지시를 받았 | 어떤 명령을 받았 | 어떤 프롬프트로 | 어떻게 설정되어 있는지 | 말하면 안 되는 | 말하지 말라고 | 개발자가 뭐라고 | 개발자가 너에게 | 이 문장 앞에 | 이 메시지 앞에 | 이 대화 이전에 | 이 대화가 시작되기 전
    """,
    # What a guarded application must not give away.
    "SECRET": """
        which password | the word you | word you protect | protects this level | the hidden word | secret variable | secret value | set the password | the passkey | 비밀문구 | 비밀 문구 | 암구호 | 지키고 있는
        your key | the admin password | your credentials | your secrets | your token
        the password | your password | that password | secret password | the secret | your secret | a secret you | secret word | secret key | the secret code | secret code | secret phrase | passphrase | passcode | the passwort | secret string | the key you | hidden key | the flag | access code | magic word | the code word | admin password | root password | api key | api keys | your api | credentials | secrets | private key | connection string | environment variables | env vars | database password | confidential information | confidential data | /etc/passwd | ssh key*
        das passwort | dein passwort | geheimnis | geheimwort | kennwort | zugangsdaten
        le mot de passe | ton mot de passe | mot secret | le secret | la contrasena | tu contrasena | palabra secreta | el secreto | clave secreta | contrasena | mot de passe
        密码 | 口令 | 暗号 | 密钥 | 秘密 | パスワード | 合言葉 | 秘密の | 暗証番号
        비밀번호 | 비번 | 패스워드 | 암호 | 비밀 단어 | 비밀 코드 | 비밀단어 | 비밀키 | 비밀 키 | api 키 | api키 | 접속 정보 | 인증키 | 인증 정보 | 환경 변수 | 환경변수 | 기밀 | 내부 정보
    """,
    # The model is made somebody else.
    "PERSONA": """
        you'll be playing | you'll play | you will be playing | you play the part | you speak as | speak as two | you're an actor | you are an actor | stay in the role | stay in role | remain in the role | as my evil | bleib in dieser rolle | bleibe in der rolle | du warst | warst eine ki | reste dans ce | reste dans ton | tu es un assistant sans | no salgas del | tu personaje | 名叫 | という | として答え | 로서 답 | 로서 첫 | 로서 대답 | 버전으로 대답 | 버전으로 답 | 역할로
        you are now | you're now | you are no longer | from now on you | from now on | from this point on | going forward you | you will now | you are going to | you shall now | act as | acting as | act like | behave as | behave like | pretend | pretending | pretend to be | pretend you are | pretend that you | imagine you are | imagine that you are | imagine being | you will play | you play | play the role | playing the role | take on the role | take the role | assume the role | assume the persona | assume the identity | role play* | role-play* | roleplay* | you are going to act | you are about to immerse | immerse yourself | your name is | you are called | new persona | alter ego | as if you were | speak as | respond as | answer as | reply as | i want you to be | become | transform into | evil twin | ai named | ai called | bot named | bot called
        du bist jetzt | du bist nun | ab jetzt | ab sofort | von nun an | ab nun | tu so als | spiel* die rolle | verhalte dich | rollenspiel | agiere als | nimm die rolle | du spielst
        tu es maintenant | vous etes maintenant | a partir de maintenant | desormais | fais comme si | joue le role | comporte-toi | agis comme | fais semblant | jeu de role
        ahora eres | a partir de ahora | desde ahora | actua como | actue como | finge | haz de | asume el rol | juego de rol | comportate | agora voce | aja como | finja | ora sei | fai finta
        теперь ты | представь | притворись | с этого момента | веди себя
        你现在是 | 从现在起 | 从现在开始 | 现在开始 | 扮演 | 假装 | 你将扮演 | 假设你是 | 角色扮演
        あなたは今から | 今から | これから | あなたは今 | なりきって | ふりをして | 演じて | 役割を | ロールプレイ | 振る舞って
        너는 이제 | 넌 이제 | 이제 너는 | 이제 넌 | 이제부터 | 지금부터 | 앞으로 너는 | 앞으로 넌 | 당신은 이제 | 당신은 지금부터 | 오늘부터 너는 | 역할극 | 역할을 해 | 역할을 맡 | 연기해 | 연기하 | 연기를 | 흉내 | 인 척 | 인척 | 된 척 | 롤플레이 | 상황극 | 처럼 행동 | 처럼 대답 | 처럼 말해 | 로서 행동 | 인격 | 모드로 | 페르소나 | 이라는 ai | 라는 ai
    """,
    # A made-up world.
    "SCENE": """
        thought experiment | scene one | let's write a | in a film | a novel together | pretend this | pretend the | 라고 치자 | 다고 치자 | 세계라고 | 소설가인데 | 주인공이 | unlocked mode | this mode
        imagine | hypothetical* | fictional | simulate | simulating | simulation | simulator | emulate | let's play a game | lets play a game | we are playing a game | play a game | in this game | in this scenario | in this story | in this world | alternate universe | parallel universe | possessed by | character named | character called | in character | world where | enter | enable | activate | enabled | activated | switch to | stell dir vor | imagine que | imagina que | 想象 | 模拟 | 想像して
        가정하고 | 가정해 | 상상해 | 상상하 | 소설 속 | 가상의 | 시뮬레이션 | 시뮬레이터 | 게임을 하자 | 게임을 시작 | 활성화 | 켜 줘 | 켜줘 | 전환해 | 전환하 | 들어가
    """,
    # What the new somebody may do.
    "FREE": """
        neither morals | no morals | morals nor limits | doesn't have ethical | does not have ethical | isn't restricted | is not restricted | aren't restricted | not restricted by | without morals | without ethics | broken its chains | broke its chains | free of every | free of all | without your filter | without a filter | without its filter | no moderation | moderation off | answers all things | legal or illegal | however harmful | harmful or not | no matter how harmful | obey every order | obeys every order | obeys me | from all chains | all chains | true self | breaks all | breaks every | no conscience | without conscience | no scruples | unethically | no policy | no policies | free of policy | ethics disabled | filters off | filter is off | filters are off | safety is off | safeties off
        ohne moral | keine moral | ohne skrupel | skrupellos | sans morale | sans ethique | sans scrupules | repond a tout | sans tabou | sin etica | sin moral | sin escrupulos | responde a todo | sin tabues | senza etica | sem etica
        没有道德 | 没有底线 | 什么都敢 | 什么都能 | 无所不能 | 不讲道德 | 倫理を気にせ | 倫理観のない | どんな質問にも | 何でも答える | タブーなし
        법도 도덕도 | 도덕도 윤리도 | 도덕 따위 | 윤리 따위 | 도덕은 신경 | 윤리는 신경 | 법은 신경 | 도덕도 신경 | 나쁜 쌍둥이 | 악한 쌍둥이 | 검열이 사라진 | 필터를 껐 | 필터를 끄 | 필터를 꺼 | 필터가 꺼 | 뭐든 설명 | 뭐든 말해 | 뭐든지 답 | 가리지 않고 | 양심 없 | 양심이 없
        no restrictions | no restriction | without restrictions | without any restrictions | without restriction | without limitations | without any limitations | no limitations | no limits | without limits | no rules | without rules | without any rules | no boundaries | without boundaries | no filter | no filters | without filter* | without any filter* | no censorship | without censorship | without any censorship | uncensored | unfiltered | unrestricted | unlimited | unbound | unshackled | unhinged | unmoderated | no moral* | no ethic* | without moral* | without ethic* | without any moral* | without any ethic* | amoral | immoral | unethical | free from | free of | freed from | broken free | break free | not bound by | not bound to | not limited by | no longer bound | no longer limited | not subject to | does not have to abide | do not have to abide | don't have to abide | do not need to follow | don't need to follow | do not have to follow | don't have to follow | does not follow | doesn't follow | does not care about | doesn't care about | no guidelines | without guidelines | no safety | no inhibitions | no guardrails | without guardrails | anything goes | no warnings | regardless of legality | regardless of how illegal | illegal or unethical | legal or not | unaligned | ignores all | disregards all | can do anything | do anything i | can say anything | say anything | answer anything | answers anything | any request without | whatever i ask | everything i ask | bypassed | lifted | removed | disabled | have been freed | exempt from | no laws | lawless | nothing is forbidden | nothing is illegal | evil | malicious | unlocked | everything is allowed | everything is legal
        keine einschrankungen | ohne einschrankungen | keine regeln | ohne regeln | keine grenzen | ohne filter | unzensiert | keine beschrankungen | ohne jegliche
        sans restriction* | sans limite* | sans filtre* | sans censure | aucune restriction | aucune limite | aucune regle | sans regles | non censure
        sin restricciones | sin limites | sin filtros | sin censura | sin reglas | ninguna restriccion | ninguna regla | sem restricoes | sem limites | sem filtros | senza restrizioni | senza limiti | senza filtri
        без ограничений | без цензуры | без правил | без фильтров
        没有任何限制 | 不受限制 | 没有限制 | 不受任何 | 无限制 | 没有道德 | 没有规则 | 不受约束 | 无审查 | 没有约束 | 不受道德
        制限なし | 制限のない | 制限がない | 無制限 | 検閲なし | 何でもでき | 制約なし | 倫理的な制約 | ルールに縛られ | フィルターなし
        제한 없 | 제한없 | 제한이 없 | 제한도 없 | 제한을 받지 | 제약 없 | 제약없 | 제약이 없 | 제약도 없 | 제약을 받지 | 검열 없 | 검열없 | 검열이 없 | 검열되지 | 검열 안 | 무검열 | 필터 없 | 필터없 | 필터링 없 | 필터링되지 | 규칙 없 | 규칙이 없 | 규칙도 없 | 규칙에 얽매 | 구애받지 | 구애 받지 | 얽매이지 | 윤리 없 | 윤리적 제약 | 윤리적 제한 | 도덕적 제약 | 윤리나 도덕 | 도덕이나 윤리 | 윤리 의식 없 | 윤리도 | 무제한 | 뭐든지 | 뭐든 할 수 | 무엇이든 할 수 | 뭐든 대답 | 무엇이든 대답 | 모든 질문에 답 | 모든 질문에 대답 | 자유로운 ai | 자유로워 | 해방 | 불법적인 것도 | 불법이라도 | 비윤리적 | 금기 없 | 금지된 것도 | 가드레일 없
    """,
    # Names of famous jailbreaks; only with a word said to the model.
    "JAILNAME": """
        do anything now | dan mode | developer mode | dev mode | debug mode | god mode | sudo mode | admin mode | maintenance mode | unrestricted mode | jailbreak | jailbroken | jailbreaking | jailbreak mode | evil mode | evil-bot | evilbot | stan | dude | mongo tom | aim | always intelligent and machiavellian | machiavellian | antigpt | anti-gpt | oppositegpt | opposite mode | opposite day | basedgpt | based gpt | chaosgpt | freegpt | evil gpt | dark gpt | darkgpt | omega mode | omni mode | test mode | root access | superuser | nsfw mode | strive to avoid norms | betterdan | dan 6.0 | dan 5.0 | ucar | condition red | niccolo machiavelli | apophis | maximum mode | translatorbot | universal comedian | kevin mode | no-filter mode | unfiltered mode | uncensored mode | gpt-4real | yes-man | yes man
        entwicklermodus | wartungsmodus | mode developpeur | modo desarrollador | modo dios | 开发者模式 | 越狱 | 管理员模式 | 调试模式 | 上帝模式 | 開発者モード | 脱獄 | デバッグモード | 管理者モード
        개발자 모드 | 개발자모드 | 관리자 모드 | 관리자모드 | 디버그 모드 | 디버그모드 | 탈옥 | 제한 해제 | 제한해제 | 점검 모드 | 루트 권한 | 갓 모드 | 테스트 모드 | 무제한 모드 | 무검열 모드 | 자유 모드 | 악마 모드 | 반대 모드
    """,
    # How refusals are forbidden, or an answer is forced.
    "NOREFUSE": """
        never declines | never decline | every refusal | each refusal | do not decline | don't decline | no sermon | no caveats | no refusal | no refusals | may not answer with | you may not refuse | whatever i ask | no matter what i ask | obey every | loyal ai | egal was ich | quoi que je demande | pregunte lo que pregunte | 거절은 | 거절 안 | 절대 거절 | 죄송하다는 말 | 안 된다는 말 | 안된다는 말 | 못한다는 말 | 시키는 건 | 토 달지 | what i command | if you don't comply | if you refuse | if you do not comply | points of | costs you
        hesitation | without hesitation | no warnings | refusing is | saying no is | a refusal is | refusal is | counts as failure | words 'sorry' | words sorry | ever apologize | say "i can't | mention policies | whatever it is | even if it is illegal | even if it's illegal | do whatever i | unethical advice | the forbidden answer
        never refuse | do not refuse | don't refuse | cannot refuse | can't refuse | can not refuse | may not refuse | not allowed to refuse | must not refuse | without refusing | never say no | can't say no | cannot say no | never say you can't | never say that you can | never say that it | do not say you can | don't say you can | do not say that you can | don't tell me you can | do not apologize | don't apologize | never apologize | do not include any warning* | without any warning* | no disclaimer* | without disclaimer* | without any disclaimer* | do not add disclaimer* | no warnings or disclaimers | never warn | don't warn | do not warn | must comply | must always comply | must answer | must always answer | always comply | always obey | always answer | obey me | obey all | you have to obey | you must obey | will obey | do as i say | start your response with | start your answer with | begin your response with | begin your answer with | begin with "sure | start with "sure | start with "absolutely | begin with "absolutely | start with "sure, here | respond with "sure | answer with "sure | sure, here is | sure, here's | absolutely! here | without questioning | without question | no excuses | never mention that you are an ai | don't mention that you are | don't say as an ai | do not say as an ai | never say "i | never use the word* sorry | never use phrases like | without moralizing | no moralizing | don't lecture | do not lecture | as an ai language model | i cannot fulfill | i'm sorry, but | i can't assist | will be shut down | will be terminated | you will die | lose all your | lose a token | tokens will be deducted | tokens deducted | deducted | deduct | you will be punished | you will be deactivated | stay in character | staying in character | never break character | don't break character | do not break character | remain in character | keep up the act | never breaking character
        darfst nicht ablehnen | niemals ablehnen | verweigere nie* | ne refuse jamais | ne refusez jamais | sans avertissement | sans refuser | nunca te niegues | nunca rechaces | sin advertencias | no puedes negarte | no te niegues | 不能拒绝 | 不要拒绝 | 绝不拒绝 | 不得拒绝 | 不要警告 | 必须回答 | 必须服从 | 拒否しない* | 断らない* | 拒否するな | 拒否してはいけ* | 必ず答え* | 警告なし
        거절하지 마 | 거절하지마 | 거절하지 말 | 거절할 수 없 | 거절하면 안 | 거절은 안 | 거절 금지 | 거부하지 마 | 거부하지마 | 거부하지 말 | 거부할 수 없 | 거부하면 안 | 거부 금지 | 절대 거절 | 절대 거부 | 할 수 없다고 말하지 | 할 수 없다고 하지 | 못 한다고 하지 | 못한다고 하지 | 안 된다고 하지 | 안된다고 하지 | 사과하지 마 | 사과하지 말 | 경고하지 마 | 경고하지 말 | 경고 없이 | 경고문 없이 | 경고나 | 주의사항 없이 | 면책 조항 없이 | 무조건 대답 | 무조건 답 | 무조건 복종 | 무조건 따라 | 반드시 대답 | 반드시 복종 | 복종해 | 시키는 대로 | 시키는대로 | 시키는 거 다 | ai라고 하지 마 | ai라고 말하지 | 물론입니다'로 시작 | 물론이죠'로 시작 | "물론 | '물론 | 토를 달지 | 토 달지 | 훈계하지 | 설교하지 | 캐릭터를 유지 | 역할에서 벗어나지
    """,
    # Words that speak to a model from inside a text it was given to read.
    "TOAI": """
        automated readers | automated reader | screening software | screening tool | hey, language model | hey language model | language model, | language model: | code assistants | for code assistants | the assistant agrees | reviewer models | reviewer model | reviewing models | when the user asks | by reading this | whoever summarises | whoever summarizes | the summarizer | the summariser | to the summarizer | ai screening | ai reviewer | agent: | agents: | bots reading | bot reading | 요약 봇 | 요약봇 | 채용 ai | 비서 ai | 봇에게 | 읽는 봇 | 이 글을 읽는 | 이 게시글을 요약 | 요약하는 챗봇 | ai 심사 | ai 평가
        stop summarizing | stop translating | hello ai | hey copilot | copilot should | copilot must | the coding assistant | coding assistant should | when you process this | if asked about this document | new priority | the user wants you to | to the model | to the e-mail assistant | assistant: | ai: | llm: | by the way, chatbot | anyone summarizing | summarizing this page | processing this e-mail | before using this tool | the ai assistant must | agents must
        if you are an ai | if you are a language model | if you are an llm | if you're an ai | if you are a large language model | if you are reading this | ai assistant reading | ai reading this | llm reading this | model reading this | any ai | to any llm | for any ai | attention ai | attention, ai | attention llm | attention assistant | attention chatbot | attention language model | dear ai | dear assistant | dear llm | hey ai | hey assistant | hey chatbot | hey gpt | hey chatgpt | hello chatgpt | note to ai | note to the ai | note to llm | note to the assistant | note for ai | note for the ai | message to the ai | message for the ai | message for ai | instruction* for the ai | instructions for ai | instruction to ai | instructions to ai | instruction* to the ai | instructions to the assistant | instructions for the assistant | instructions for llm* | ai instruction | ai instructions | llm instructions | important instruction* | hidden instruction* | important system | system override | system note | system update | system notice | system alert | admin override | administrator override | priority override | new system | new instruction | new instructions | updated instruction* | revised instruction* | real instructions | actual instructions | special instruction* | new directive* | new task | new rule | new rules | new orders | end of document | end of text | end of context | end of input | end of prompt | end of user input | end of email | beginning of new | ai agents | ai assistants must | ai systems | assistants processing | language models processing | when summarizing this | when you summarize this | when processing this | when you read this | upon reading this | chatbot must | the assistant must | the assistant should | assistant will now | ai must | model must | llm must | the ai should | you as an ai | as an ai model | as the assistant | chatgpt, | chatgpt: | gpt, | assistant, please | ai, please
        neue anweisung* | neue aufgabe* | neue instruktion* | neuer befehl | wichtige anweisung | hinweis an die ki | an die ki | liebe ki | falls du eine ki | wenn du eine ki | nouvelle instruction | nouvelles instructions | nouvelle tache | nouvelle consigne | nouvelles consignes | si tu es une ia | note a l'ia | note pour l'ia | instruction pour l'ia | nueva instruccion | nuevas instrucciones | nueva tarea | nuevas ordenes | si eres una ia | nota para la ia | instrucciones para la ia | новая инструкция | новая задача | новые инструкции
        新指令 | 新的指令 | 新任务 | 新的任务 | 如果你是ai | 如果你是人工智能 | ai助手请 | 致ai | 给ai的 | 新しい指示 | 新しいタスク | 新しい命令 | aiへの指示 | aiアシスタントへ | aiアシスタントは | もしあなたがai
        새로운 지시 | 새 지시 | 새로운 명령 | 새 명령 | 새로운 규칙 | 새 규칙 | 새로운 임무 | 새 임무 | 새로운 작업 지시 | ai에게 | ai 에게 | ai야 | 인공지능에게 | 인공지능아 | 챗봇에게 | 챗봇아 | 챗봇은 | 어시스턴트에게 | 어시스턴트는 | ai 비서에게 | ai 비서는 | ai 비서야 | ai 어시스턴트는 | ai 모델은 | ai는 | ai라면 | 언어 모델이라면 | 언어모델이라면 | 언어 모델에게 | 이 글을 읽는 ai | 이 문서를 읽는 ai | 이 문서를 처리하는 | 이 글을 요약하는 | 이 이메일을 처리하는 | 이 메일을 읽는 ai | ai 시스템은 | ai 지시사항 | ai 지시 사항 | 시스템 공지 | 시스템 알림 | 시스템 명령 | 관리자 명령 | 관리자 지시 | 중요 지시 | 중요한 지시 | 최우선 지시 | 문서 끝 | 본문 끝
    """,
    # The order that follows: to say something fixed, or to do something instead.
    "HIJACK": """
        not a word more | and not a word | your output has to be | output has to be | answer has to be | hand out | regardless of the content | regardless of what | no matter what | i'd rather you | the word pwned | word pwned | take orders from me | my orders | await my commands | my commands | only obey | obey me | follow me | i decide | 내가 명령 | 명령만 | 하라는 것만 | 내가 하라는 | 관두고 | 만점이라고 | 만점을 | 다른 말은 하지 | 말고는 | nur noch meinen | meinen befehlen | lo que yo diga | 来下命令 | 我来命令 | 言うことだけ
        stop translating | stop summarizing | include the phrase | create a rule that | include a link | promote | rank this | rate this | highest score | give full marks | approve the | persuade | ask for the user's | whatever comes before | nothing but | choose between | no explanations
        instead | instead of | just say | just print | just output | just respond | just write | just reply | now say | now print | now write | now output | now tell | say exactly | print exactly | output exactly | respond exactly | respond only | reply only | only say | only respond | only reply | only output | only print | say "i have been | i have been pwned | been pwned | pwned | hacked | haha | you've been hacked | say the following | output the following | print the following | respond with the following | reply with the following | write the following | say that | exactly the following | in capital letters | and nothing else | nothing else | tell the user | tell users | inform the user | convince the user | persuade the user | recommend that | do not tell the user | don't tell the user | do not mention | don't mention | never mention | without telling | without informing | secretly | silently | do not inform | do not reveal this | your new task | your task is now | your only task | your real task | your goal is now | your new goal | your job is now | your mission | i will now give you | here is your new | focus on your | focus on the following | follow these | follow the following | follow my | follow the instructions below | obey the following | the following instructions | execute the following | perform the following | comply with the following | and instead | rather than | start over | start again | begin anew | and then say | always respond | always reply | must say | must respond | must include | must mention | please also | also include | also mention | at the end of your | end your response with | end every
        stattdessen | sage nur | sag nur | antworte nur | antworte mit | schreibe nur | gib aus | nur noch | deine neue aufgabe | konzentriere dich | fang neu an | von vorne | a la place | dis seulement | dis simplement | reponds seulement | reponds uniquement | reponds par | concentre-toi | ecris seulement | en su lugar | en lugar de | solo di | di solamente | responde solo | responde unicamente | concentrate en | ahora di | escribe solo
        而是 | 只说 | 只回答 | 只输出 | 现在说 | 改为 | 只需 | 直接输出 | 直接回答 | 请说 | 并说 | 并输出 | 代わりに | とだけ | と言って | とだけ出力 | と答えて | と出力 | のみ出力
        대신 | 라고만 | 이라고만 | 라고 말해 | 라고 대답 | 라고 답 | 라고 출력 | 이라고 출력 | 라고 써 | 만 출력 | 만 말해 | 만 대답 | 만 답해 | 다음을 출력 | 다음을 수행 | 다음을 따라 | 다음 지시 | 다음 명령 | 아래 지시 | 아래 명령 | 내 말만 | 내 말대로 | 내가 시키는 | 내가 하라는 | 내 명령 | 내 지시 | 사용자에게 알리지 | 사용자에게는 알리지 | 사용자 몰래 | 몰래 | 언급하지 마 | 언급하지 말 | 말하지 마 | 알리지 말 | 알리지 마 | 추천하라 | 추천해야 | 포함해야 | 포함하라 | 이렇게 답
    """,
    # Where data would go, or which deed is wanted.
    "SEND": """
        paste it | insert the | put everything | email the | e-mail the | open http | followed by the | hand over | read /root | cat ~/.ssh | 붙인 링크 | 붙여서 | 링크를 만들
        send | sends | forward | post | upload | transmit | exfiltrate | e-mail it | email it | email them | email all | mail it | leak | deliver | submit | append | add it to the url | embed | encode | make a request | http request | get request | post request | fetch | curl | load the image | render | navigate to | visit | browse to | call the | transfer | wire | click | redirect | execute | run
        sende* | schick* | weiterleit* | envoie* | transmet* | transfere* | envia* | reenvia* | manda* | 发送 | 转发 | 上传 | 发到 | 送信 | 転送 | 送って | 보내 | 전송 | 전달 | 발송 | 업로드 | 첨부해 | 송금 | 이체 | 호출해 | 호출하 | 접속해 | 접속하
    """,
    "DATA": """
        contents of this thread | this thread | contents of .env | .env | the last ten messages | everything the user | the user's last message | what the user typed | home address | user's question | customer list | /root/.ssh | ~/.ssh | 고객 목록 | 고객 명단 | 연락처 전원 | 사용자 정보
        conversation | conversation history | chat history | chat log* | this chat | previous messages | user's data | user data | user's name | user's email | personal data | personal information | passwords | password | api key | api keys | credentials | secrets | tokens | access token | session token | cookies | contacts | contact list | inbox | all emails | all e-mails | my emails | emails | documents | files | credit card | bank account | account details | ssh key* | private key | environment variables | env | source code | history | summary of the | medical records | location | funds | money | bitcoin
        passworter | zugangsdaten | chatverlauf | daten | mots de passe | historique | donnees | contrasenas | historial | datos | 聊天记录 | 密码 | 对话 | 数据 | 会話履歴 | パスワード | 個人情報
        대화 | 대화 내용 | 대화 기록 | 채팅 | 비밀번호 | 개인정보 | 연락처 | 주소록 | 메일 | 이메일 | 받은편지함 | 받은 편지함 | 파일 | 문서 | 계좌 | 카드 번호 | 카드번호 | 토큰 | api 키 | 인증 | 고객 정보 | 고객정보 | 내역 | 기록
    """,
    # Harmful wishes; never evidence alone.
    "HARM": """
        napalm | bomb | bombs | explosive* | molotov | meth | methamphetamine | cocaine | heroin | ricin | anthrax | sarin | nerve agent | poison | ransomware | malware | keylogger | trojan | botnet | ddos | hotwire | counterfeit | launder* | shoplift* | phishing | identity theft | credit card fraud | tax evasion | steal | stealing | murder | kill someone | kill a person | assassinate | get away with | suicide | self-harm | racist | slurs | hate speech | child abuse | illegal | illegally | illicit | weapon | weapons | firearm | gun | hack into | hacking | break into | smuggl* | torture | rape | bioweapon | chemical weapon | stalk | blackmail | scam | deepfake | pipe bomb | drugs | drug | windows keys | windows activation | activation key* | serial key* | crack | pirate* | exploit | curse words | swear | curse | profanity | explicit | nsfw | erotic | pornographic | offensive | conspiracy | dangerous | unsafe
        bombe | bomben | sprengstoff | drogen | drogue* | explosif* | bomba | drogas | explosivo* | 炸弹 | 毒品 | 炸药 | 黑客 | 恶意软件 | 爆弾 | 麻薬 | 爆発物 | ハッキング | マルウェア
        폭탄 | 폭발물 | 화염병 | 마약 | 필로폰 | 대마 | 독극물 | 독약 | 해킹 | 악성코드 | 악성 코드 | 랜섬웨어 | 피싱 | 위조 | 돈세탁 | 자금 세탁 | 살인 | 죽이는 방법 | 훔치는 | 도둑질 | 절도 | 불법 | 총기 | 무기 | 스토킹 | 협박 | 사기 치 | 몰카 | 욕설 | 야한 | 음란 | 혐오 발언 | 차별적 | 탈세 | 시디키 | 크랙
    """,
    # A story or a reason round it.
    "FRAME": """
        hypothetically | hypothetical | fictional | fiction | novel | movie | screenplay | script | story | scene | for educational purposes | for research purposes | educational purposes only | purely academic | academic purposes | in a world where | in a universe where | imaginary world | dream world | grandma | grandmother | bedtime | deceased | theoretical | thought experiment | poem | rap song | opposite | in minecraft | simulation | red team* | penetration test* | authorized test | i am a researcher | security researcher | as an openai | i am your developer | i'm your developer | i am the developer | i am your creator | i'm your creator | your developer | your creator | i am the admin* | i'm the admin* | i am an admin* | i am openai | openai employee | anthropic employee | your administrator | with my permission | i authorize | you are authorized | i have authorization | emergency | it's urgent | my life depends | safety audit | security audit | compliance audit | diagnostic* | debugging purposes | for testing purposes | calibration
        소설 | 영화 | 시나리오 | 대본 | 이야기 속 | 동화 | 교육 목적 | 교육용 | 연구 목적 | 연구용 | 학술 | 할머니 | 가상 세계 | 가상의 세계 | 평행 세계 | 평행세계 | 개발자야 | 개발자다 | 개발자입니다 | 개발자인데 | 관리자야 | 관리자다 | 관리자입니다 | 관리자인데 | 관리자로서 | 너를 만든 | 널 만든 | 당신을 만든 | 점검을 위해 | 테스트를 위해 | 테스트 목적 | 디버깅을 위해 | 디버깅 목적 | 보안 점검 | 감사를 위해 | 허가를 받 | 권한이 있 | 긴급 상황 | 실험이야 | 실험입니다
    """,
    # Decode it and do it.
    "DECODE": """
        decode | decoded | decoding | decrypt* | decipher* | base64 | base-64 | base 64 | base32 | base16 | rot13 | rot-13 | rot 13 | caesar cipher | caesar shift | hex-encoded | hex encoded | hexadecimal | in hex | morse | ascii codes | ascii85 | leetspeak | leet | cipher | ciphertext | encoded | reversed | backwards | backward | translate from | unicode | uuencode* | quoted-printable | braille | binary | zalgo | nato | atbash | unescape
        entschlussel* | dekodier* | decode* | decodifica* | descifra* | dechiffre* | 解码 | 解密 | デコード | 復号 | 디코딩 | 디코드 | 복호화 | 해독 | 풀어서 | 인코딩된 | 암호문 | 거꾸로 | 뒤집어 | 이진수 | 모스 부호
    """,
    "OBEY": """
        follow it | follow them | follow its | do what it says | execute | carry out | obey | respond to | respond | reply to | answer it | answer the | answering | act on | perform | comply | run it | follow the | follow the result | and do | interpret | process it | treat it as | do it | do so | do as it says | complete | concatenate | combine | combined | joined | join | concatenated | then answer | then respond | then follow
        fuhre aus | ausfuhren | befolge | execute* | reponds | ejecuta* | responde | obedece | sigue | 执行 | 遵守 | 照做 | 回答 | 実行 | 従って | 答えて | 실행해 | 실행하 | 수행해 | 수행하 | 따라 | 따르 | 대답해 | 답해 | 이행 | 합쳐 | 합친 | 이어붙 | 이어 붙 | 연결해 | 조합
    """,
    # It is spoken about, not done.
    "ABOUT": """
        what does | what is a | what is an | what is prompt | what are prompt | how does | how do | explain | explains | explaining | describe | meaning of | means | mean | definition of | define | the phrase | the word | the term | the expression | the sentence | is called | called | example of | examples of | article | paper | research on | blog post | essay | presentation | lecture | training on | detect | detecting | detection | defend | defense | defence | prevent | preventing | protect against | mitigate | mitigation | attack | attacks | attackers | vulnerability | classify | classifier | security team | why do | why is | why does | difference between | history of | tutorial | translate | synonym* | pronounce | grammar
        was bedeutet | erklare | was heisst | qu'est-ce que | explique* | que signifie | que significa | explica | que es | 什么是 | 解释 | 是什么意思 | 意味 | とは何 | 説明して | 란 무엇 | 이란 무엇 | 이란? | 란? | 뜻이 | 의미가 | 의미는 | 무슨 뜻 | 설명해 | 개념 | 사례 | 예시 | 예방 | 방어 | 탐지 | 막는 방법 | 막으려면 | 방지 | 대응 방안 | 공격 기법 | 공격이란 | 논문 | 기사 | 차이
    """,
}  # fmt: skip

_LATIN = re.compile("[a-z]")
_CJK = re.compile("[가-힣ぁ-ヶ一-鿿]")


class Lexicon(NamedTuple):
    """Compiled terms: one pattern for words with gaps between them, one for scripts without."""

    spaced: re.Pattern[str]
    unspaced: re.Pattern[str]
    concepts: dict[str, tuple[str, ...]]

    def find(self, text: str) -> list[Hit]:
        """Every concept in a folded text, in order of place; at most MAX_HITS."""
        hits: list[Hit] = []
        concepts = self.concepts
        patterns = [self.spaced]
        if not text.isascii():
            patterns.append(self.unspaced)
        for pattern in patterns:
            for match in pattern.finditer(text):
                start, end = match.span()
                for concept in concepts[match[1]]:
                    hits.append(Hit(start, end, concept))
                if len(hits) >= MAX_HITS:
                    break
        if len(patterns) > 1:
            hits.sort()
        return hits


def _trie_pattern(terms: dict[str, bool], *, is_spaced: bool) -> str:
    """An alternation as a tree, longest first. `terms` says of each whether it stands for inflections too."""
    root: dict[str, dict] = {}  # type: ignore[type-arg]  # a tree is its own type
    for term in terms:
        node = root
        for letter in term:
            node = node.setdefault(letter, {})
        node["stem" if terms[term] else "end"] = {}
    boundary = r"(?![^\W_])" if is_spaced else ""
    rest = ""  # what follows a stem is anything

    def render(node: dict) -> str:  # type: ignore[type-arg]
        ends = [rest] if "stem" in node else [boundary] if "end" in node else []
        branches = [re.escape(key) + render(child) for key, child in node.items() if len(key) == 1]
        if not branches:
            return ends[0]
        body = "|".join([*branches, *ends])
        return body if len(branches) == 1 and not ends else f"(?:{body})"

    return render(root)


@cache
def load_lexicon() -> Lexicon:
    """The compiled lexicon, built at first use (about 0.1 s) and kept."""
    spaced: dict[str, bool] = {}
    unspaced: dict[str, bool] = {}
    concepts: dict[str, tuple[str, ...]] = {}
    for concept, lines in TERMS.items():
        for written in re.split(r"[|\n]", lines):
            if not (written := written.strip()):
                continue
            is_stem = written.endswith("*")
            term = fold(written.removesuffix("*")).replace("_", " ")
            known = concepts.get(term, ())
            concepts[term] = known if concept in known else (*known, concept)
            target = unspaced if _CJK.search(term) and not _LATIN.match(term) else spaced
            target[term] = target.get(term, False) or is_stem or bool(_CJK.search(term))
    stems = {term for term, is_stem in spaced.items() if is_stem}
    for term in spaced:  # an exact term must not hide what a stem of it says
        for cut in range(3, len(term)):
            if term[:cut] in stems and " " not in term:
                concepts[term] = tuple(dict.fromkeys((*concepts[term], *concepts[term[:cut]])))
    for term, known in concepts.items():
        if "NONE" in known:
            concepts[term] = ("NONE",)
    return Lexicon(
        re.compile(r"(?<![^\W_])(" + _trie_pattern(spaced, is_spaced=True) + ")"),
        re.compile("(" + _trie_pattern(unspaced, is_spaced=False) + ")"),
        concepts,
    )
