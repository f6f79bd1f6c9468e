module github.com/varvekv/varve/tests

go 1.25.0

require github.com/varvekv/varve v0.0.0

replace github.com/varvekv/varve => ../
