module goprogram

go 1.24.0
