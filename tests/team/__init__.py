"""One server and one browser for all tests here: a package is what a fixture can live as long as."""
