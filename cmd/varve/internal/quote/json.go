package quote

import "unicode/utf8"

// textBytesMax is up to where bytes that are text are written as text. A JSON
// string takes up to six bytes for one, base64 never more than four for three.
const textBytesMax = 16 << 20

// Key is a key in JSON: `key` where it is UTF-8 text, `key_base64` otherwise.
type Key struct {
	Key       *string `json:"key,omitempty"`
	KeyBase64 []byte  `json:"key_base64,omitempty"`
}

// Value is a value in JSON: `value` where it is UTF-8 text, `value_base64`
// where it is not or is longer than 16 MiB.
type Value struct {
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"value_base64,omitempty"`
}

// KeyOf is raw for JSON; it may share raw's memory.
func KeyOf(raw []byte) Key {
	text, binary := split(raw)
	return Key{text, binary}
}

// ValueOf is raw for JSON; it may share raw's memory.
func ValueOf(raw []byte) Value {
	text, binary := split(raw)
	return Value{text, binary}
}

func split(raw []byte) (*string, []byte) {
	if len(raw) > textBytesMax || !utf8.Valid(raw) {
		return nil, raw
	}
	text := string(raw)
	return &text, nil
}
