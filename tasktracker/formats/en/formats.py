"""English: 11/03/2025 is another day on each side of the ocean."""

SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
