"""The catalogue of causes. Codes are never reused or renamed; a code that is given up stays with `retired`."""

from dataclasses import dataclass

from services.complaints.domain.errors import UnknownCauseCodeError
from shared.kernel.errors import FieldError


@dataclass(frozen=True, slots=True)
class CauseCode:
    """Why a complaint arose. `is_fault`: something of ours went wrong."""

    code: str
    name: str
    name_zh: str
    meaning: str
    is_fault: bool
    retired: bool = False


CAUSE_CODES: tuple[CauseCode, ...] = (
    CauseCode(
        "product_defect", "Product defect", "产品缺陷", "The product does not do what it should.", True
    ),
    CauseCode("service_outage", "Outage", "服务中断", "The service was not available.", True),
    CauseCode(
        "slow_handling", "Slow handling", "处理超时", "A request was not answered or solved in time.", True
    ),
    CauseCode("wrong_answer", "Wrong answer", "答复错误", "The customer was told something wrong.", True),
    CauseCode("staff_conduct", "Conduct of staff", "服务态度", "Somebody was impolite or unhelpful.", True),
    CauseCode(
        "procedure_not_followed",
        "Procedure not followed",
        "未按流程",
        "A procedure (SOP) was not kept.",
        True,
    ),
    CauseCode(
        "procedure_unfit", "Unfit procedure", "流程缺陷", "The procedure was kept and is the problem.", True
    ),
    CauseCode(
        "billing_error", "Billing error", "计费错误", "An amount was charged or refunded wrongly.", True
    ),
    CauseCode("unclear_terms", "Unclear terms", "条款不清", "Terms, price or description mislead.", True),
    CauseCode("privacy", "Privacy", "隐私与数据", "Personal data was used or shown wrongly.", True),
    CauseCode("partner_fault", "Partner's fault", "合作方原因", "A partner of ours caused it.", True),
    CauseCode(
        "communication",
        "Missing information",
        "沟通不足",
        "Nobody told the customer what was going on.",
        True,
    ),
    CauseCode("expectation", "Expectation", "期望不符", "As agreed, but something else was expected.", False),
    CauseCode(
        "customer_side", "On the customer's side", "客户侧原因", "The customer's own side caused it.", False
    ),
    CauseCode(
        "other_company", "Another company", "非本公司业务", "We do not answer for that company.", False
    ),
    CauseCode(
        "not_established",
        "Not established",
        "原因未明",
        "The matter ended before its cause was found.",
        False,
    ),
)
NOT_ESTABLISHED = "not_established"

_BY_CODE = {cause.code: cause for cause in CAUSE_CODES}


def require_cause_code(code: str, *, field: str = "cause_code") -> str:
    """The code itself; raises `UnknownCauseCodeError` for one that is not in the catalogue or was retired."""
    cause = _BY_CODE.get(code)
    if cause is None or cause.retired:
        message = "not in the catalogue of GET /complaints/v1/cause-codes"
        raise UnknownCauseCodeError(field_errors=[FieldError(field, "cause_code", message)])
    return code
