"""Discord's validation rules, as pure functions over request bodies.

Each `check_*` function raises `ApiError` with the body that Discord answers with: `{"code": 50035, "message": "Invalid
Form Body", "errors": {...}}`, where `errors` is a tree along the body's own keys. Lengths are counted in
characters (code points), as Discord counts them. Figures: https://docs.discord.com/developers/reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

Json = dict[str, Any]
"""A JSON object that the sandbox has built or checked."""
Body = Mapping[str, object]
"""A JSON object as a client sent it: nothing is known about its values yet."""
Key = str | int

CONTENT = 2000
EMBEDS = 10
EMBED_TOTAL = 6000
ATTACHMENTS = 10
ROWS = 5
V2_COMPONENTS = 40
V2_TEXT = 4000
CHOICES = 25
OPTIONS = 25
NAME = 32
"""Characters in the name of a command or an option."""
SNOWFLAKE = 20
"""Digits of an id of 64 bits."""
COMMAND_CHARACTERS = 8000
COMMANDS: Final = {1: 100, 2: 15, 3: 15}
"""How many global (or guild) commands of each type an application may have."""

LOADING = 1 << 7
EPHEMERAL = 1 << 6
COMPONENTS_V2 = 1 << 15
NONCE = 25
MOST_ERRORS = 200
"""Errors that an answer names at most."""
CHANNEL_TYPES: Final = (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)
LOCALES: Final = frozenset(
    [
        "id",
        "da",
        "de",
        "en-GB",
        "en-US",
        "es-ES",
        "es-419",
        "fr",
        "hr",
        "it",
        "lt",
        "hu",
        "nl",
        "no",
        "pl",
        "pt-BR",
        "ro",
        "fi",
        "sv-SE",
        "vi",
        "tr",
        "cs",
        "el",
        "bg",
        "ru",
        "uk",
        "hi",
        "th",
        "zh-CN",
        "ja",
        "zh-TW",
        "ko",
    ]
)
"""https://discord.com/developers/docs/reference#locales"""
SETTABLE_FLAGS = 1 << 2 | EPHEMERAL | 1 << 12 | 1 << 13 | COMPONENTS_V2

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(
    1, 12
)
NUMERIC = frozenset({INTEGER, NUMBER})


class ApiError(Exception):
    """An answer other than success: HTTP status, Discord's code and message, and the tree of form errors."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} ({code}) {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        body: Json = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


def empty_message() -> ApiError:
    return ApiError(400, 50006, "Cannot send an empty message")


class Form:
    """Collects the errors of a body, key by key; `inside` is the path of the body in the request's."""

    def __init__(self, inside: Sequence[Key] = ()) -> None:
        self._errors: Json = {}
        self._count = 0
        self._inside = inside

    def wrong(self, path: Iterable[Key], code: str, message: str) -> None:
        self._count += 1
        if self._count > MOST_ERRORS:  # an answer that grows with the request could exhaust the memory
            return
        node = self._errors
        for key in (*self._inside, *path):
            node = node.setdefault(str(key), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def close(self) -> None:
        """Raise ApiError if there are errors."""
        if self._errors:
            raise ApiError(400, 50035, "Invalid Form Body", self._errors)

    def text(
        self,
        body: Body,
        key: str,
        path: Sequence[Key],
        *,
        low: int = 0,
        high: int,
        required: bool = False,
    ) -> str:
        """The string at `key`, `low` to `high` characters long; empty if it is absent or wrong."""
        value = body.get(key)
        here = (*path, key)
        if value is None or (isinstance(value, str) and not value.strip() and required):
            if required:
                self.wrong(here, "BASE_TYPE_REQUIRED", "This field is required")
            return ""
        if not isinstance(value, str):
            self.wrong(here, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
            return ""
        if not low <= len(value) <= high:
            self._length(here, low, high)
        return value

    def items(
        self, body: Body, key: str, path: Sequence[Key], *, low: int = 0, high: int | None = None
    ) -> list[Json]:
        """The objects in the list at `key`; empty if it is absent or wrong."""
        value = body.get(key)
        here = (*path, key)
        if value is None:
            value = []
        if not isinstance(value, list):
            self.wrong(here, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if high is not None and not low <= len(value) <= high:
            self._length(here, low, high)
            return []
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self.wrong(
                    (*here, index), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"
                )
        return [item for item in value if isinstance(item, dict)]

    def child(self, body: Body, key: str, path: Sequence[Key]) -> Json | None:
        """The object at `key`; None if it is absent or wrong."""
        value = body.get(key)
        if value is None or isinstance(value, dict):
            return value
        self.wrong((*path, key), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return None

    def ids(self, body: Body, key: str, path: Sequence[Key], *, high: int) -> None:
        """Check the list of snowflakes at `key`."""
        value = body.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong((*path, key), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if len(value) > high:
            self._length((*path, key), 0, high)
            return
        for index, item in enumerate(value):
            if snowflake(item) is None:
                self.wrong((*path, key, index), "NUMBER_TYPE_COERCE", f'Value "{item}" is not snowflake.')

    def snowflake(self, body: Body, key: str, path: Sequence[Key]) -> int | None:
        """The id at `key`; None if it is absent or wrong."""
        value = body.get(key)
        number = snowflake(value)
        if value is not None and number is None:
            self.wrong((*path, key), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
        return number

    def whole(
        self,
        body: Body,
        key: str,
        path: Sequence[Key],
        *,
        low: int,
        high: int,
        required: bool = False,
    ) -> int | None:
        value = body.get(key)
        here = (*path, key)
        if value is None:
            if required:
                self.wrong(here, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(here, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
            return None
        if not low <= value <= high:
            self.wrong(here, "NUMBER_TYPE_RANGE", f"int value should be between {low} and {high}.")
        return value

    def _length(self, path: Sequence[Key], low: int, high: int) -> None:
        if low:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        else:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")


# --- messages ---------------------------------------------------------------------------------------------------


def check_message(
    body: Body,
    *,
    uploads: Mapping[int, str],
    kept: Mapping[int, str],
    was_v2: bool = False,
    inside: Sequence[Key] = (),
) -> None:
    """Check the fields of a message that is sent or edited; fields missing from `body` are not checked.

    `uploads`: names of the files sent with it, by index. `kept`: names of its earlier attachments, by id.
    """
    form = Form(inside)
    form.text(body, "content", (), high=CONTENT)
    flags = form.whole(body, "flags", (), low=0, high=(1 << 53) - 1) or 0
    if flags & ~SETTABLE_FLAGS & ~LOADING:
        form.wrong(("flags",), "MESSAGE_FLAGS_INVALID", "Only certain message flags may be set.")
    _nonce(form, body)
    names = {safe_filename(name) for name in (*kept.values(), *uploads.values())}
    _embeds(form, body, names)
    v2 = was_v2 or bool(flags & COMPONENTS_V2)
    if v2:
        for field in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(field):
                form.wrong(
                    (field,),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
    if "components" in body:
        _components(form, body, v2=v2)
        _media(form, body, names)
    _attachments(form, body, uploads, kept)
    _allowed_mentions(form, body)
    form.close()


def safe_filename(name: str) -> str:
    """The name that Discord gives an upload: characters other than letters, digits, `.`, `_` and `-` become `_`, and
    leading `.` and `_` are removed.
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._") or "file"


def _nonce(form: Form, body: Body) -> None:
    nonce = body.get("nonce")
    if nonce is None or (isinstance(nonce, int) and not isinstance(nonce, bool)):
        return
    if isinstance(nonce, str):
        form.text(body, "nonce", (), high=NONCE)
    else:
        form.wrong(("nonce",), "NONCE_TYPE_INVALID", "Nonce must be a string or an integer.")


def _embeds(form: Form, body: Body, names: set[str]) -> None:
    total = 0
    for index, embed in enumerate(form.items(body, "embeds", (), high=EMBEDS)):
        path = ("embeds", index)
        texts = [
            form.text(embed, "title", path, high=256),
            form.text(embed, "description", path, high=4096),
        ]
        for number, field in enumerate(form.items(embed, "fields", path, high=25)):
            here = (*path, "fields", number)
            texts.append(form.text(field, "name", here, high=256, required=True))
            texts.append(form.text(field, "value", here, high=1024, required=True))
        for part, key, high in (("footer", "text", 2048), ("author", "name", 256)):
            if inner := form.child(embed, part, path):
                texts.append(form.text(inner, key, (*path, part), high=high, required=True))
        form.whole(embed, "color", path, low=0, high=0xFFFFFF)
        _timestamp(form, embed.get("timestamp"), (*path, "timestamp"))
        _embed_links(form, embed, path, names)
        total += sum(map(len, texts))
    if total > EMBED_TOTAL:
        form.wrong(
            ("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}"
        )


def _embed_links(form: Form, embed: Body, path: Sequence[Key], names: set[str]) -> None:
    for part in ("image", "thumbnail"):
        if (inner := form.child(embed, part, path)) is not None:
            _url(form, inner.get("url"), (*path, part, "url"), names)
    nobody: set[str] = set()
    for keys, known in (
        (("url",), nobody),
        (("author", "url"), nobody),
        (("author", "icon_url"), names),
        (("footer", "icon_url"), names),
    ):
        holder = embed.get(keys[0]) if len(keys) > 1 else embed
        if isinstance(holder, dict) and holder.get(keys[-1]) is not None:
            _url(form, holder[keys[-1]], (*path, *keys), known)


def _timestamp(form: Form, value: object, path: Sequence[Key]) -> None:
    if value is not None:
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            form.wrong(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")


def _url(form: Form, url: object, path: Sequence[Key], names: set[str]) -> None:
    scheme, _, rest = str(url).partition("://")
    known = safe_filename(rest) in names and not re.search(r"\s", rest)
    if scheme == "attachment" and not known:
        form.wrong(path, "ATTACHMENT_NOT_FOUND", f'Attachment "{rest}" was not uploaded with this message.')
    elif scheme not in {"http", "https", "attachment"}:
        form.wrong(
            path,
            "URL_TYPE_INVALID_SCHEME",
            f"Scheme \"{scheme}\" is not supported. Scheme must be one of ('http', 'https').",
        )


def _attachments(form: Form, body: Body, uploads: Mapping[int, str], kept: Mapping[int, str]) -> None:
    listed = body.get("attachments")
    if listed is None:
        count = len(uploads) + len(kept)
    else:
        items = form.items(body, "attachments", (), high=ATTACHMENTS)
        for index, item in enumerate(items):
            form.text(item, "description", ("attachments", index), high=1024)
            if snowflake(item.get("id")) not in {*uploads, *kept}:
                form.wrong(
                    ("attachments", index, "id"), "ATTACHMENT_NOT_FOUND", "Unknown attachment or file index."
                )
        mentioned = {snowflake(item.get("id")) for item in items}
        count = len(items) + len(uploads.keys() - mentioned)
    if count > ATTACHMENTS:
        form.wrong(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {ATTACHMENTS} or fewer in length.")


def snowflake(value: object) -> int | None:
    """The id that `value` (a number or its digits) represents; None if it is not an id."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not 0 < len(str(value)) <= SNOWFLAKE:
        return None
    return int(value) if str(value).isdecimal() else None


def _allowed_mentions(form: Form, body: Body) -> None:
    allowed = form.child(body, "allowed_mentions", ())
    if allowed is None:
        return
    here = ("allowed_mentions",)
    parse = allowed.get("parse") or []
    if not isinstance(parse, list):
        form.wrong((*here, "parse"), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    for index, what in enumerate(parse):
        if what not in ("users", "roles", "everyone"):
            form.wrong(
                (*here, "parse", index),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('users', 'roles', 'everyone').",
            )
    for key in ("users", "roles"):
        form.ids(allowed, key, here, high=100)
        if allowed.get(key) and key in parse:
            form.wrong(
                here,
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.',
            )


# --- components -------------------------------------------------------------------------------------------------

ROW, BUTTON, SELECT, INPUT = 1, 2, 3, 4
SELECTS = frozenset({3, 5, 6, 7, 8})
CHANNEL_SELECT = 8
SELECT_GROUPS: Final = {5: ("users",), 6: ("roles",), 7: ("users", "roles"), 8: ("channels",)}
"""What selects without explicit options offer, by type."""
FILES, RADIO, CHECKBOXES, CHECKBOX = 19, 21, 22, 23
"""Inputs that exist only in modals."""
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
LINK, PREMIUM = 5, 6
V2_LAYOUT = frozenset({SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER})


def kind_of(component: Body) -> int:
    """The type of a component or an option; 0 if it has none."""
    value = component.get("type")
    return value if isinstance(value, int) else 0


def children(part: Body, key: str) -> list[Json]:
    """The objects in the list at `key`; empty if that is not a list."""
    value = part.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def walk(components: Iterable[Json]) -> Iterable[Json]:
    """Every component, including those inside rows, sections, containers and labels, in order of appearance."""
    for component in components:
        yield component
        yield from walk(children(component, "components"))
        for key in ("component", "accessory"):
            if isinstance(component.get(key), dict):
                yield from walk([component[key]])


def _components(form: Form, body: Body, *, v2: bool) -> None:
    top = form.items(body, "components", (), high=V2_COMPONENTS if v2 else ROWS)
    for index, component in enumerate(top):
        _component(form, component, ("components", index), v2=v2, top=True)
    everything = list(walk(top))
    if v2:
        if len(everything) > V2_COMPONENTS:
            form.wrong(
                ("components",),
                "COMPONENT_MAX_TOTAL",
                f"The total number of components cannot exceed {V2_COMPONENTS}",
            )
        if sum(len(str(part.get("content", ""))) for part in everything) > V2_TEXT:
            form.wrong(
                ("components",), "COMPONENT_MAX_TEXT", f"The total text may not exceed {V2_TEXT} characters"
            )
    seen: set[str] = set()
    for index, component in enumerate(top):
        for part in walk([component]):
            name = part.get("custom_id")
            if isinstance(name, str) and name in seen:
                form.wrong(
                    ("components", index),
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                )
            elif isinstance(name, str):
                seen.add(name)


def media_of(component: Json) -> Iterable[tuple[Json, str]]:
    """The objects in a component that refer to pictures and files, each with the key that does."""
    kind = kind_of(component)
    holders = children(component, "items") if kind == GALLERY else [component]
    for holder in holders if kind in {THUMBNAIL, GALLERY, FILE} else ():
        yield holder, "file" if kind == FILE else "media"


def _media(form: Form, body: Body, names: set[str]) -> None:
    for index, component in enumerate(children(body, "components")):
        for part in walk([component]):
            if kind_of(part) == GALLERY:
                form.items(part, "items", ("components", index), low=1, high=10)
            for holder, key in media_of(part):
                item = form.child(holder, key, ("components", index)) or {}
                here = ("components", index, key, "url")
                _url(form, item.get("url"), here, names)
                if key == "file" and not str(item.get("url")).startswith("attachment://"):
                    form.wrong(
                        here, "UNFURLED_MEDIA_ITEM_ATTACHMENT_REQUIRED", "Only attachment:// is allowed."
                    )


def _component(form: Form, component: Body, path: Sequence[Key], *, v2: bool, top: bool) -> None:
    kind = kind_of(component)
    if kind == ROW:
        _row(form, component, path)
    elif kind == BUTTON and not top:
        _button(form, component, path)
    elif kind in SELECTS and not top:
        _select(form, component, path)
    elif v2 and kind in V2_LAYOUT:
        _layout(form, component, path, kind)
    else:
        _wrong_type(form, path, (ROW, *sorted(V2_LAYOUT)) if v2 else (ROW,))


def _wrong_type(form: Form, path: Sequence[Key], allowed: Sequence[int]) -> None:
    form.wrong(
        (*path, "type"), "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {tuple(allowed)}.'
    )


def _layout(form: Form, component: Body, path: Sequence[Key], kind: int) -> None:
    if kind == TEXT:
        form.text(component, "content", path, low=1, high=V2_TEXT, required=True)
    elif kind == SECTION:
        _section(form, component, path)
    elif kind == SEPARATOR:
        form.whole(component, "spacing", path, low=1, high=2)
    elif kind == CONTAINER:
        form.whole(component, "accent_color", path, low=0, high=0xFFFFFF)
        for index, inner in enumerate(form.items(component, "components", path, low=1, high=V2_COMPONENTS)):
            here = (*path, "components", index)
            if kind_of(inner) == CONTAINER:
                _wrong_type(form, here, (ROW, *sorted(V2_LAYOUT - {CONTAINER})))
            else:
                _component(form, inner, here, v2=True, top=True)


def _section(form: Form, section: Body, path: Sequence[Key]) -> None:
    for index, inner in enumerate(form.items(section, "components", path, low=1, high=3)):
        here = (*path, "components", index)
        if kind_of(inner) == TEXT:
            _layout(form, inner, here, TEXT)
        else:
            _wrong_type(form, here, (TEXT,))
    accessory = form.child(section, "accessory", path)
    if accessory is None:
        form.wrong((*path, "accessory"), "BASE_TYPE_REQUIRED", "This field is required")
    elif kind_of(accessory) == BUTTON:
        _button(form, accessory, (*path, "accessory"))
    elif kind_of(accessory) != THUMBNAIL:
        _wrong_type(form, (*path, "accessory"), (BUTTON, THUMBNAIL))


def _row(form: Form, row: Body, path: Sequence[Key]) -> None:
    inner = form.items(row, "components", path, low=1, high=5)
    for index, component in enumerate(inner):
        here = (*path, "components", index)
        if kind_of(component) in SELECTS and len(inner) > 1:
            form.wrong(here, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select takes the whole width of a row.")
        elif kind_of(component) in {BUTTON, *SELECTS}:
            _component(form, component, here, v2=False, top=False)
        else:
            form.wrong(
                (*here, "type"),
                "UNION_TYPE_CHOICES",
                'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).',
            )


def _button(form: Form, button: Body, path: Sequence[Key]) -> None:
    style = form.whole(button, "style", path, low=1, high=6, required=True)
    label = form.text(button, "label", path, high=80)
    _emoji(form, button, path)
    if style == LINK:
        if button.get("custom_id") is not None:
            form.wrong(path, "COMPONENT_CUSTOM_ID_URL", "A custom id and url cannot both be specified")
        _url(form, button.get("url"), (*path, "url"), set())
    elif style == PREMIUM:
        if form.snowflake(button, "sku_id", path) is None and not button.get("sku_id"):
            form.wrong((*path, "sku_id"), "BASE_TYPE_REQUIRED", "This field is required")
        for field in ("custom_id", "label", "url", "emoji"):
            if button.get(field) is not None:
                form.wrong(
                    (*path, field), "BUTTON_COMPONENT_INVALID_FIELDS", f"Premium buttons have no {field}."
                )
    else:
        form.text(button, "custom_id", path, low=1, high=100, required=True)
        if button.get("url") is not None:
            form.wrong(
                (*path, "url"), "COMPONENT_CUSTOM_ID_URL", "A custom id and url cannot both be specified"
            )
    if style != PREMIUM and not label and not button.get("emoji"):
        form.wrong(path, "COMPONENT_LABEL_REQUIRED", "A button needs a label or an emoji")


def _emoji(form: Form, part: Body, path: Sequence[Key]) -> None:
    """A custom emoji has an id; any other consists of its own characters, which are not all ASCII."""
    here = (*path, "emoji")
    if emoji := form.child(part, "emoji", path):
        name = form.text(emoji, "name", here, high=100, required=True)
        if form.snowflake(emoji, "id", here) is None and name.isascii():
            form.wrong((*here, "name"), "COMPONENT_INVALID_EMOJI", "Invalid emoji")


def _select(form: Form, select: Body, path: Sequence[Key]) -> None:
    form.text(select, "custom_id", path, low=1, high=100, required=True)
    form.text(select, "placeholder", path, high=150)
    low = form.whole(select, "min_values", path, low=0, high=25)
    high = form.whole(select, "max_values", path, low=1, high=25)
    if low is not None and high is not None and low > high:
        form.wrong(
            (*path, "max_values"), "COMPONENT_SELECT_RANGE", "max_values must not be less than min_values."
        )
    _defaults(form, select, path, high if high is not None else 1)
    if kind_of(select) == CHANNEL_SELECT:
        _numbers(form, select, "channel_types", path, allowed=CHANNEL_TYPES)
    if kind_of(select) != SELECT:
        return
    values: set[str] = set()
    for index, option in enumerate(form.items(select, "options", path, low=1, high=25)):
        here = (*path, "options", index)
        form.text(option, "label", here, low=1, high=100, required=True)
        value = form.text(option, "value", here, low=1, high=100, required=True)
        form.text(option, "description", here, high=100)
        _emoji(form, option, here)
        if value in values:
            form.wrong(
                (*here, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        values.add(value)


def _defaults(form: Form, select: Body, path: Sequence[Key], most: int) -> None:
    """The default values: no more than may be chosen, and of the types that the select offers."""
    chosen = sum(bool(option.get("default")) for option in children(select, "options"))
    if chosen > most:
        form.wrong((*path, "options"), "COMPONENT_SELECT_TOO_MANY_DEFAULTS", f"At most {most} may be chosen.")
    groups = SELECT_GROUPS.get(kind_of(select), ())
    defaults = form.items(select, "default_values", path)
    if len(defaults) > most:
        form.wrong(
            (*path, "default_values"), "COMPONENT_SELECT_TOO_MANY_DEFAULTS", f"At most {most} may be chosen."
        )
    for index, default in enumerate(defaults[:MOST_ERRORS]):
        here = (*path, "default_values", index)
        form.snowflake(default, "id", here)
        if f"{default.get('type')}s" not in groups:
            kinds = tuple(group.removesuffix("s") for group in groups)
            form.wrong((*here, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {kinds}.")


# --- modals and autocomplete ------------------------------------------------------------------------------------


def check_modal(data: object) -> None:
    """Check a modal: title up to 45 characters, one to five inputs, each in a row or under a label."""
    form = Form()
    if not isinstance(data, dict):
        form.wrong(("data",), "BASE_TYPE_REQUIRED", "This field is required")
        form.close()
        return
    form.text(data, "title", ("data",), low=1, high=45, required=True)
    form.text(data, "custom_id", ("data",), low=1, high=100, required=True)
    names: set[str] = set()
    for index, part in enumerate(form.items(data, "components", ("data",), low=1, high=5)):
        path: tuple[Key, ...] = ("data", "components", index)
        kind = kind_of(part)
        if kind == ROW:
            rows = form.items(part, "components", path, low=1, high=1)
            fields = [(field, (*path, "components", number)) for number, field in enumerate(rows)]
            if any(kind_of(field) != INPUT for field in rows):
                form.wrong(
                    (*path, "components"), "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (4,).'
                )
                continue
        elif kind == LABEL and isinstance(part.get("component"), dict):
            form.text(part, "label", path, low=1, high=45, required=True)
            form.text(part, "description", path, high=100)
            fields = [(part["component"], (*path, "component"))]
        elif kind == TEXT:
            continue
        else:
            form.wrong(
                (*path, "type"), "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).'
            )
            continue
        for field, here in fields:
            _modal_field(form, field, here, labelled=kind == ROW)
            name = str(field.get("custom_id"))
            if name in names:
                form.wrong(here, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
            names.add(name)
    form.close()


def _modal_field(form: Form, field: Body, path: Sequence[Key], *, labelled: bool) -> None:
    kind = kind_of(field)
    if kind in SELECTS:
        _select(form, field, path)
        return
    form.text(field, "custom_id", path, low=1, high=100, required=True)
    if kind in {RADIO, CHECKBOXES}:
        for index, option in enumerate(form.items(field, "options", path, low=1, high=10)):
            here = (*path, "options", index)
            form.text(option, "label", here, low=1, high=100, required=True)
            form.text(option, "value", here, low=1, high=100, required=True)
    if kind in {FILES, CHECKBOXES}:
        form.whole(field, "min_values", path, low=0, high=10)
        form.whole(field, "max_values", path, low=1, high=10)
    elif kind not in {INPUT, RADIO, CHECKBOX}:
        form.wrong((*path, "type"), "UNION_TYPE_CHOICES", "This component is not for modals.")
    if kind != INPUT:
        return
    if labelled:
        form.text(field, "label", path, low=1, high=45, required=True)
    form.whole(field, "style", path, low=1, high=2, required=True)
    form.text(field, "placeholder", path, high=100)
    form.text(field, "value", path, high=4000)
    form.whole(field, "min_length", path, low=0, high=4000)
    form.whole(field, "max_length", path, low=1, high=4000)


def check_choices(data: object, kind: int) -> list[Json]:
    """The checked choices of an autocomplete answer for an option of type `kind`: at most 25."""
    form = Form()
    body = data if isinstance(data, dict) else {}
    if body.get("choices") is None:
        form.wrong(("data", "choices"), "BASE_TYPE_REQUIRED", "This field is required")
    choices = form.items(body, "choices", ("data",), high=CHOICES)
    for index, choice in enumerate(choices):
        _choice(form, choice, ("data", "choices", index), kind)
    form.close()
    return choices


def _choice(form: Form, choice: Body, path: Sequence[Key], kind: int) -> None:
    form.text(choice, "name", path, low=1, high=100, required=True)
    _localizations(form, choice, "name_localizations", path, high=100)
    value = choice.get("value")
    here = (*path, "value")
    if value is None:
        form.wrong(here, "BASE_TYPE_REQUIRED", "This field is required")
    elif kind == STRING:
        if isinstance(value, str):
            form.text(choice, "value", path, high=100)
        else:
            form.wrong(here, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    elif isinstance(value, bool) or not isinstance(value, int if kind == INTEGER else int | float):
        form.wrong(
            here, "NUMBER_TYPE_COERCE", f'Value "{value}" is not {"int" if kind == INTEGER else "float"}.'
        )


# --- commands ---------------------------------------------------------------------------------------------------

CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3
_EXTRA = re.compile(r"[-_'\u0900-\u097f\u0e00-\u0e7f]")


def valid_name(name: str) -> bool:
    """Whether a chat-input command or an option may have this name: 1 to 32 of `-_'`, letters and digits, no
    capitals.
    """
    return (
        1 <= len(name) <= NAME
        and all(character.isalnum() or _EXTRA.match(character) for character in name)
        and name == name.lower()
    )


def check_commands(commands: object) -> list[Json]:
    """Check a bulk overwrite: each command, unique names per type, and the number of commands of each type."""
    form = Form()
    if not isinstance(commands, list):
        form.wrong((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        form.close()
    body = {"commands": commands}
    items = form.items(body, "commands", (), high=sum(COMMANDS.values()))
    form.close()
    form = Form()
    seen: set[tuple[int, str]] = set()
    counts = dict.fromkeys(COMMANDS, 0)
    for index, command in enumerate(items):
        _command(form, command, (index,))
        kind = kind_of(command) or CHAT
        key = (kind, str(command.get("name")))
        if key in seen:
            form.wrong(
                (index, "name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        seen.add(key)
        counts[kind] = counts.get(kind, 0) + 1
    form.close()
    if any(counts[kind] > most for kind, most in COMMANDS.items()):
        raise ApiError(400, 30032, "Maximum number of application commands reached (100).")
    return items


def check_command(command: object) -> Json:
    form = Form()
    if not isinstance(command, dict):
        form.wrong((), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        form.close()
        return {}
    _command(form, command, ())
    form.close()
    return command


def _command(form: Form, command: Body, path: Sequence[Key]) -> None:
    kind = form.whole(command, "type", path, low=1, high=4) or CHAT
    if kind == CHAT:
        _name(form, command, path)
        form.text(command, "description", path, low=1, high=100, required=True)
        _options(form, command, path, depth=0)
        if _characters(command) > COMMAND_CHARACTERS:
            form.wrong(
                path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({COMMAND_CHARACTERS})"
            )
    else:
        form.text(command, "name", path, low=1, high=NAME, required=True)
        for field in ("description", "options"):
            if command.get(field):
                form.wrong(
                    (*path, field),
                    "APPLICATION_COMMAND_CONTEXT_MENU",
                    f"Context menu commands cannot have {field}",
                )
    _localizations(form, command, "name_localizations", path, high=NAME, names=kind == CHAT)
    if kind == CHAT:
        _localizations(form, command, "description_localizations", path, high=100)
    _numbers(form, command, "contexts", path, allowed=range(3))
    _numbers(form, command, "integration_types", path, allowed=range(2))
    permissions = command.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdecimal():
        form.wrong(
            (*path, "default_member_permissions"), "NUMBER_TYPE_COERCE", f'Value "{permissions}" is not int.'
        )


def _localizations(
    form: Form, body: Body, key: str, path: Sequence[Key], *, high: int, names: bool = False
) -> None:
    """Check texts by locale; `names` are those of commands and options."""
    for locale, text in (form.child(body, key, path) or {}).items():
        here = (*path, key, locale)
        if locale not in LOCALES:
            form.wrong(here, "BASE_TYPE_CHOICES", "This locale is not one of Discord's.")
        elif text is None:
            continue
        elif not isinstance(text, str):
            form.wrong(here, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif not 1 <= len(text) <= high:
            form.wrong(here, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {high} in length.")
        elif names and not valid_name(text):
            form.wrong(here, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _numbers(form: Form, body: Body, key: str, path: Sequence[Key], *, allowed: Iterable[int]) -> None:
    """Check a list of numeric types without duplicates."""
    value, known = body.get(key), tuple(allowed)
    if value is None:
        return
    if not isinstance(value, list):
        form.wrong((*path, key), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    for index, item in enumerate(value[:MOST_ERRORS]):
        if isinstance(item, bool) or item not in known:
            form.wrong((*path, key, index), "BASE_TYPE_CHOICES", f"Value must be one of {known}.")
    if len(value) > len(known) or len(value) != len({str(item) for item in value}):
        form.wrong((*path, key), "LIST_ITEM_VALUE_DUPLICATE", "Each value may stand there once.")


def _name(form: Form, body: Body, path: Sequence[Key]) -> str:
    name = form.text(body, "name", path, low=1, high=NAME, required=True)
    if name and not valid_name(name):
        form.wrong((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return name


def _options(form: Form, body: Body, path: Sequence[Key], depth: int) -> None:
    options = form.items(body, "options", path, high=OPTIONS)
    seen: set[str] = set()
    optional = False
    nested = sum(kind_of(option) in {SUBCOMMAND, GROUP} for option in options)
    if 0 < nested < len(options):
        form.wrong(
            (*path, "options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        )
    for index, option in enumerate(options):
        here = (*path, "options", index)
        name = _name(form, option, here)
        if name in seen:
            form.wrong(
                (*here, "name"), "APPLICATION_COMMAND_OPTIONS_DUPLICATE_NAME", "Option names must be unique"
            )
        seen.add(name)
        form.text(option, "description", here, low=1, high=100, required=True)
        _localizations(form, option, "name_localizations", here, high=NAME, names=True)
        _localizations(form, option, "description_localizations", here, high=100)
        kind = form.whole(option, "type", here, low=1, high=11, required=True)
        if kind in {SUBCOMMAND, GROUP}:
            if (kind == GROUP and depth > 0) or depth > 1:
                form.wrong(
                    (*here, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Invalid option nesting"
                )
            else:
                _options(form, option, here, depth + 1 if kind == GROUP else 2)
            continue
        if depth == 1:
            form.wrong(
                (*here, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "A group holds sub-commands only"
            )
        if option.get("required") and optional:
            form.wrong(
                here,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional = optional or not option.get("required")
        _value_option(form, option, here, kind or STRING)


def _value_option(form: Form, option: Body, path: Sequence[Key], kind: int) -> None:
    choices = form.items(option, "choices", path, high=CHOICES)
    names: set[str] = set()
    for index, choice in enumerate(choices):
        _choice(form, choice, (*path, "choices", index), kind)
        name = str(choice.get("name"))
        if name in names:
            form.wrong(
                (*path, "choices", index, "name"),
                "OPTIONS_CHOICES_DUPLICATE_NAME",
                "Choice names must be unique",
            )
        names.add(name)
    typed = kind in {STRING, *NUMERIC}
    if choices and not typed:
        form.wrong(
            (*path, "choices"), "OPTION_CHOICES_INVALID", "Choices are for string, integer and number options"
        )
    if option.get("autocomplete") and (choices or not typed):
        form.wrong(
            (*path, "autocomplete"),
            "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID",
            "Autocomplete is for string, integer and number options without choices",
        )
    _numbers(form, option, "channel_types", path, allowed=CHANNEL_TYPES)
    if option.get("channel_types") and kind != CHANNEL:
        form.wrong((*path, "channel_types"), "OPTION_CHANNEL_TYPES_INVALID", "These are for channel options")
    for field in ("min_value", "max_value"):
        if option.get(field) is not None and kind not in NUMERIC:
            form.wrong((*path, field), "OPTION_RANGE_INVALID", "A range is for integer and number options")
    for field, low in (("min_length", 0), ("max_length", 1)):
        if option.get(field) is not None and kind != STRING:
            form.wrong((*path, field), "OPTION_LENGTH_INVALID", "A length is for string options")
        form.whole(option, field, path, low=low, high=6000)


def _characters(part: Body) -> int:
    """The total number of characters in the names, descriptions and values of a command, its options and their
    choices.
    """
    total = len(str(part.get("name", ""))) + len(str(part.get("description", "")))
    for choice in children(part, "choices"):
        total += len(str(choice.get("name", ""))) + len(str(choice.get("value", "")))
    return total + sum(_characters(option) for option in children(part, "options"))
