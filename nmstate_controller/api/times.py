"""Times as Kubernetes writes them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer


def rfc3339(moment: datetime) -> str:
    """`moment` as Kubernetes writes times: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def _in_utc(moment: datetime) -> datetime:
    """`moment` in UTC, which it is in when it does not say. Raises ValueError when it cannot be written in UTC."""
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not within the years 1 to 9999 in UTC") from error


Time = Annotated[datetime, AfterValidator(_in_utc), PlainSerializer(rfc3339, return_type=str, when_used="json")]
