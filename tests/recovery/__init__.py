"""One `manage.py up` for all tests here: a package is what a fixture can live as long as."""
