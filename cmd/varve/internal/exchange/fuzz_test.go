package exchange

import (
	"errors"
	"io"
	"testing"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// No file makes a reader panic, and what a reader hands on is written and read
// back as the same entries.
func FuzzFiles(f *testing.F) {
	f.Add(uint8(JSONL), false, []byte(`{"key":"a","value_base64":"/w=="}`+"\n"))
	f.Add(uint8(JSONL), false, []byte(`{"key":"\ud83d\ude00","value":"\ud800"}`))
	f.Add(uint8(CSV), false, []byte("a,\"b\nc\"\n"))
	f.Add(uint8(CSV), true, []byte("6b00,ff\n"))
	f.Add(uint8(TSV), false, []byte("a\\x00\tb\\\\\n"))
	f.Add(uint8(Frames), false, []byte(frameMagic+"\x01\x01\x01kv????"))
	f.Fuzz(func(t *testing.T, format uint8, isHex bool, file []byte) {
		of, o := Format(format%uint8(len(formatNames))), Options{}
		if isHex && (of == CSV || of == TSV) {
			o.Encoding = quote.Hex
		}
		pairs, err := read(of, o, file)
		if bad := new(Malformed); err != io.EOF && !errors.As(err, &bad) {
			t.Fatalf("%v is neither the end nor a malformed file", err)
		}
		if of == CSV {
			o.Encoding = quote.Hex // carriage returns
		}
		back, err := read(of, o, write(t, of, o, pairs))
		if err != io.EOF || len(back) != len(pairs) {
			t.Fatalf("%d entries came back as %d, %v", len(pairs), len(back), err)
		}
		for i := range back {
			if back[i] != pairs[i] {
				t.Fatalf("%q came back as %q", pairs[i], back[i])
			}
		}
	})
}
