"""HTML about a conversion: errors, warnings, and the detected polarity and value range of each style."""

import html
from collections.abc import Iterable, Mapping, Sequence

from ir_transfer.app.work import Conversion

_SHOWN_ERRORS = 12
_SOURCES = {"option": "set manually"}


def error_box(lines: Iterable[str]) -> str:
    """Return error lines as an alert; an empty text without lines."""
    found = [f"<p>Error: {html.escape(line)}</p>" for line in lines]
    if len(found) > _SHOWN_ERRORS:
        found = [*found[:_SHOWN_ERRORS], f"<p>and {len(found) - _SHOWN_ERRORS} more, all in manifest.jsonl</p>"]
    return f"<div class='ir-error' role='alert'>{''.join(found)}</div>" if found else ""


def summary_box(conversions: Sequence[Conversion], seconds: float) -> str:
    """Return the counts of a conversion and its warnings."""
    results = [result for conversion in conversions for result in conversion.results]
    failed = sum(result.output is None for result in results)
    messages = dict.fromkeys(message for conversion in conversions for message in conversion.messages)
    lines = "".join(f"<p class='ir-warning'>Warning: {html.escape(message)}</p>" for message in messages)
    return (
        f"<div class='ir-summary' role='status'><p>converted {len(results) - failed}, failed {failed}, "
        f"in {seconds:.1f} s</p>{lines}</div>"
    )


def detected_box(conversions: Sequence[Conversion]) -> str:
    """Return a table of the polarity and value range of each style, from the manifest."""
    rows = [row for conversion in conversions for row in _detected(conversion)]
    cells = "".join(
        f"<tr><th scope='row'>{name}</th><td>{polarity}</td><td>{taken}</td></tr>"
        for name, polarity, taken in dict.fromkeys(tuple(map(html.escape, row)) for row in rows)
    )
    return (
        "<table class='ir-detected'><thead><tr><th>style</th><th>polarity</th><th>value range</th></tr></thead>"
        f"<tbody>{cells}</tbody></table>"
    )


def _detected(conversion: Conversion) -> list[tuple[str, str, str]]:
    settings = conversion.settings
    taken = {str(record["file"]): _range_of(record) for record in settings.get("exemplars", ())}
    return [
        (style, _polarity_of(facts, stored=style not in taken), taken.get(style, "stored in the style"))
        for style, facts in zip(conversion.request.styles, settings["exemplar_polarity"], strict=True)
    ]


def _polarity_of(facts: Mapping[str, str], *, stored: bool) -> str:
    if stored:
        return f"{facts['polarity']} (stored in the style)"
    score = f", score {facts['polarity_score']}" if "polarity_score" in facts else ""
    return f"{facts['polarity']} ({_SOURCES.get(facts['polarity_source'], facts['polarity_source'])}{score})"


def _range_of(record: dict[str, object]) -> str:
    taken = record["range"]
    assert isinstance(taken, dict)
    parts = [f"{taken['low']:.6g} to {taken['high']:.6g} {taken['unit']}{' (unit guessed)' * bool(taken['guessed'])}"]
    if record.get("palette"):
        parts.append(f"palette {record['palette']} mapped back")
    left_out = record.get("left_out")
    if isinstance(left_out, dict):
        parts += [f"{share:.1%} ignored ({reason})" for reason, share in left_out.items()]
    return "; ".join(parts)
