module github.com/varvekv/varve

go 1.25.0

require (
	github.com/bits-and-blooms/bloom/v3 v3.7.0
	github.com/google/btree v1.1.3
	github.com/klauspost/compress v1.18.0
	github.com/klauspost/crc32 v1.3.0
	golang.org/x/sys v0.35.0
)

require github.com/bits-and-blooms/bitset v1.10.0 // indirect
