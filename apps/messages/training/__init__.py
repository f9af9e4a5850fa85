"""How the shipped local classifier is made. Pure: no ORM, no running service, the same result each time."""
