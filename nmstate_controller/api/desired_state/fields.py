"""What the fields of an nmstate document can hold, as wide as the nmstate crate's deserializers read it.

These types only make the schema; nothing is parsed with them. Where they leave room, the crate does:

- numbers come as integers or as text, the unsigned ones also as `0x` and hexadecimal digits, all with an optional sign;
- booleans come as booleans, as 0 or 1 and as words in any case: true, yes, on, y;
- an optional field that the crate reads with no helper of its own may be null, which means absent. Kubernetes'
  validation refuses a null where there is an `enum`, whatever `nullable` says, so `words` spells those as a pattern;
- keys that the crate does not know are kept, for a newer libnmstate or for its error message.

Refused although the crate's parser takes it, because it is no spelling of nmstate's API:

- a list of a section's values in the order of the Rust struct, and `{up: null}` for `up`, which serde reads;
- what the crate throws away unread, if it is malformed: the rest of an interface that is `absent`, a route's addresses
  with `ignore`;
- a VLAN or VXLAN id that is an integer and does not fit on the wire, which nobody applies;
- an integer of 2^63 and more, for which the apiserver has floating point only; as text it passes.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

Schema = dict[str, Any]
T = TypeVar("T")

ANYTHING: Final[Schema] = {"x-kubernetes-preserve-unknown-fields": True}

_UNSIGNED: Final = r"^(\+?\d+|0x\+?[\da-fA-F]+)$"
_SIGNED: Final = r"^[+-]?\d+$"

_IPV4: Final = r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.?\b){4}"
_IPV6: Final = r"[\da-fA-F.]*:[\da-fA-F:.]*"


def kebab(name: str) -> str:
    """The key of most fields: nmstate's documents are in kebab-case."""
    return name.replace("_", "-")


class Section(BaseModel):
    """A map of the document. Keys that are not listed are kept.

    Itself it stands for a large section's other name, which is not spelled out a second time: the manifest has to stay
    below what kubectl can keep of it.
    """

    # Built when the schema is asked for: the agent, which never does, spares the time and memory.
    model_config = ConfigDict(alias_generator=kebab, json_schema_extra=ANYTHING, defer_build=True)


class UnderscoreSection(Section):
    """A map whose keys are written with underscores, as the kernel and Open vSwitch spell them."""

    model_config = ConfigDict(alias_generator=str)


def required(description: str, *, key: str | None = None, **schema: Any) -> Any:
    """A field that the crate insists on."""
    return Field(description=description, alias=key, json_schema_extra=schema or None)


def optional(description: str, *, key: str | None = None, **schema: Any) -> Any:
    """A field that may be left out; `key` is its name when Python cannot spell that."""
    return Field(default=None, description=description, alias=key, json_schema_extra=schema or None)


def words(*choices: str) -> Schema:
    """A nullable field's only values."""
    alternatives = "|".join(choices).replace("+", r"\+").replace(".", r"\.")
    return {"pattern": f"^({alternatives})$"}


def numbered(*choices: str, aliases: tuple[str, ...] = ()) -> Schema:
    """Values that also go by their number in the kernel, as an integer or as text."""
    numbers = range(len(choices))
    return {"enum": [*choices, *aliases, *numbers, *map(str, numbers)]}


class _Nullable:
    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        return {**handler(core), "nullable": True}


class _Untyped:
    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        return {**handler(core), "type": None}


def _number(pattern: str, **bounds: int) -> WithJsonSchema:
    return WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": pattern, **bounds})


Nullable = Annotated[T, _Nullable()]

Untyped = Annotated[T, _Untyped()]
"""A section in whose place another spelling may stand; its fields hold when it is a map."""

Text = Nullable[str]
"""Text that may be null."""

Texts = Nullable[list[str]]

U8 = Annotated[int | str, _number(_UNSIGNED, minimum=0, maximum=2**8 - 1)]
U16 = Annotated[int | str, _number(_UNSIGNED, minimum=0, maximum=2**16 - 1)]
U32 = Annotated[int | str, _number(_UNSIGNED, minimum=0, maximum=2**32 - 1)]
# The apiserver holds integers of 64 bits with a sign; from 2^63 on it has to be text.
U64 = Annotated[int | str, _number(_UNSIGNED, minimum=0)]
# Of 12 and 24 bits on the wire; NetworkManager and the kernel take no more, though the crate reads more.
VlanId = Annotated[int | str, _number(_UNSIGNED, minimum=0, maximum=4094)]
VxlanId = Annotated[int | str, _number(_UNSIGNED, minimum=0, maximum=2**24 - 1)]
I32 = Annotated[int | str, _number(_SIGNED, minimum=-(2**31), maximum=2**31 - 1)]
I64 = Annotated[int | str, _number(_SIGNED)]

Numbered = Annotated[int | str, WithJsonSchema({"x-kubernetes-int-or-string": True})]
"""One of `numbered`."""

Flag = Annotated[
    bool | int | str,
    WithJsonSchema(
        {
            **ANYTHING,
            "pattern": "^(?i:1|0|true|false|yes|no|on|off|y|n)$",
            "minimum": 0,
            "maximum": 1,
            # No type can be named that has booleans, integers and text; these keep lists and maps out.
            "maxItems": 0,
            "maxProperties": 0,
        }
    ),
]
"""A boolean in any of its spellings. Without a type, a null is not refused but dropped, which means the same."""

Anything = Annotated[Any, WithJsonSchema({**ANYTHING, "nullable": True})]


def _address(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


# The pattern knows all that can be wrong with an IPv4 address, and the characters of IPv6.
Ip = Annotated[str, _address(f"({_IPV4}|{_IPV6})")]
"""An IPv4 or IPv6 address."""

IpOrEmpty = Annotated[str, _address(f"({_IPV4}|{_IPV6})?")]

IpNetworkOrEmpty = Annotated[str, _address(rf"(({_IPV4}|{_IPV6})(/\+?\d+)?)?")]
"""An address with or without a prefix length; bits right of the prefix may be set."""
