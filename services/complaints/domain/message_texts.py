"""What customers are written: versioned templates, English and Chinese.

A template says only what is known when it is sent: it names no date or time by which something will happen,
because no such promise is this service's to give. Changing a text means a new version beside the old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.complaints.domain.outcomes import Language, Outcome

EN, ZH = Language.ENGLISH, Language.CHINESE


@dataclass(frozen=True, slots=True)
class Template:
    """One text in one language; `subject` and `body` have the places {number}, {received_on}, {text}."""

    name: str
    language: Language
    subject: str
    body: str
    asks_satisfaction: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A template with its places filled."""

    template: str
    language: Language
    subject: str
    body: str
    asks_satisfaction: bool


_ASK = {
    EN: (
        "\n\nAre you satisfied with how your complaint was handled? Please tell us, quoting {number}: yes or no"
        " and, if you like, a score from 1 (not at all) to 5 (fully).\n"
        "If you do not agree with the outcome, tell us so in the same way."
    ),
    ZH: (
        "\n\n您对本次投诉的处理是否满意？请注明编号 {number} 告诉我们：满意或不满意；"
        "如您愿意，请给出 1 分（非常不满意）至 5 分（非常满意）的评分。\n"
        "如不认同处理结果，也请以同样方式告诉我们。"
    ),
}

_OUTCOMES: Mapping[Outcome, Mapping[Language, str]] = {
    Outcome.UPHELD: {
        EN: "We looked into your complaint {number}. It is upheld: we were at fault, and we are sorry.",
        ZH: "我们已对您的投诉 {number} 进行调查。处理结果：投诉成立，责任在我方，我们向您致歉。",
    },
    Outcome.PARTLY_UPHELD: {
        EN: "We looked into your complaint {number}. It is upheld in part; for that part we are sorry.",
        ZH: "我们已对您的投诉 {number} 进行调查。处理结果：投诉部分成立，就该部分我们向您致歉。",
    },
    Outcome.NOT_UPHELD: {
        EN: "We looked into your complaint {number}. It is not upheld.",
        ZH: "我们已对您的投诉 {number} 进行调查。处理结果：投诉不成立。",
    },
    Outcome.WITHDRAWN: {
        EN: "Your complaint {number} was withdrawn, and we have ended our work on it.",
        ZH: "您的投诉 {number} 已撤回，我们已停止处理。",
    },
    Outcome.OUT_OF_REMIT: {
        EN: "We cannot decide your complaint {number}: it concerns something that we do not answer for.",
        ZH: "我们无法受理您的投诉 {number}：所涉事项不在我方职责范围内。",
    },
    Outcome.UNREACHABLE: {
        EN: (
            "We tried to reach you about your complaint {number} and did not succeed, so we have ended our work"
            " on it."
        ),
        ZH: "我们就您的投诉 {number} 多次与您联系未果，已停止处理。",
    },
}
_SUBJECTS = {EN: "The outcome of your complaint {number}", ZH: "您的投诉 {number} 的处理结果"}
_ASKED = frozenset({Outcome.UPHELD, Outcome.PARTLY_UPHELD, Outcome.NOT_UPHELD})


def _decision_template(outcome: Outcome, language: Language) -> Template:
    asks = outcome in _ASKED
    body = _OUTCOMES[outcome][language] + "\n\n{text}" + (_ASK[language] if asks else "")
    return Template(f"decision_{outcome.value}.v1", language, _SUBJECTS[language], body, asks)


ACKNOWLEDGEMENTS: Mapping[Language, Template] = {
    EN: Template(
        "acknowledgement.v1",
        EN,
        "We have received your complaint {number}",
        "Your complaint was received on {received_on} (UTC). Its number is {number}.\n\n"
        "This is an automatic acknowledgement and not the answer to your complaint; the answer is given by a"
        " person.\n\n"
        "Please quote {number} when you contact us about it.",
    ),
    ZH: Template(
        "acknowledgement.v1",
        ZH,
        "我们已收到您的投诉 {number}",
        "您的投诉已于 {received_on}（UTC）收到，编号为 {number}。\n\n"
        "本消息为系统自动确认，并非对您投诉的答复；答复将由工作人员作出。\n\n"
        "就此投诉与我们联系时，请注明编号 {number}。",
    ),
}
RESPONSES: Mapping[Language, Template] = {
    EN: Template("response.v1", EN, "About your complaint {number}", "{text}"),
    ZH: Template("response.v1", ZH, "关于您的投诉 {number}", "{text}"),
}
DECISIONS: Mapping[tuple[Outcome, Language], Template] = {
    (outcome, language): _decision_template(outcome, language) for outcome in Outcome for language in Language
}


def acknowledgement(language: Language, *, number: str, received_at: datetime) -> Text:
    """The automatic acknowledgement of intake."""
    return _fill(ACKNOWLEDGEMENTS[language], number=number, received_on=f"{received_at:%Y-%m-%d}", text="")


def response(language: Language, *, number: str, text: str) -> Text:
    """What a person answered."""
    return _fill(RESPONSES[language], number=number, received_on="", text=text)


def decision(outcome: Outcome, language: Language, *, number: str, explanation: str) -> Text:
    """The confirmation of an outcome with its explanation and, where the outcome wants it, the question."""
    return _fill(DECISIONS[outcome, language], number=number, received_on="", text=explanation)


def _fill(template: Template, **places: str) -> Text:
    return Text(
        template.name,
        template.language,
        template.subject.format(**places),
        template.body.format(**places),
        template.asks_satisfaction,
    )
