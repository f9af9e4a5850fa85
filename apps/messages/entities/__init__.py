"""What a message names: plain rules and shipped lists, no ORM. Rules, prompts and issues use it."""
