"""Durations as text."""


def duration_text(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours, by its size.

    Example:
        >>> duration_text(0.2), duration_text(80), duration_text(600), duration_text(9000)
        ('1 s', '80 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
