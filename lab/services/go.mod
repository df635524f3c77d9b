module lab/services

go 1.24
