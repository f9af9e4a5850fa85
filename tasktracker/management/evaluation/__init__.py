"""How good the product is on labelled data: single messages, duplicates, a whole chat."""
