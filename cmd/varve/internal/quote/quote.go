// Package quote is keys and values as text, so that every byte string has a
// text and every text is one byte string: what is printed can be given back.
package quote

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Encoding is how bytes are written as text.
type Encoding uint8

// Encodings.
const (
	// Escaped is the text itself, with Go's escapes for the backslash and for
	// what cannot be printed: \\ \t \n \x00 \u200b.
	Escaped Encoding = iota
	Hex              // two digits a byte
	Base64           // RFC 4648, with padding
)

// Parse reads a text. The escaped one may hold any byte as it is, and any of
// Go's escapes.
func (e Encoding) Parse(text string) ([]byte, error) {
	var raw []byte
	var err error
	switch e {
	case Hex:
		raw, err = hex.DecodeString(text)
	case Base64:
		raw, err = base64.StdEncoding.DecodeString(text)
	default:
		return unescape(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", abridge(text), err)
	}
	return raw, nil
}

func unescape(text string) ([]byte, error) {
	raw := make([]byte, 0, len(text))
	for at := 0; at < len(text); {
		if text[at] != '\\' {
			raw = append(raw, text[at])
			at++
			continue
		}
		if rest := text[at+1:]; rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			raw = append(raw, rest[0]) // strconv takes one of the two only, the one that delimits
			at += 2
			continue
		}
		r, isRune, tail, err := strconv.UnquoteChar(text[at:], 0)
		if err != nil {
			return nil, fmt.Errorf("%q: bad escape at byte %d; a backslash is written \\\\", abridge(text), at)
		}
		if isRune {
			raw = utf8.AppendRune(raw, r)
		} else {
			raw = append(raw, byte(r))
		}
		at = len(text) - len(tail)
	}
	return raw, nil
}

// Append adds raw's text to dst.
func (e Encoding) Append(dst, raw []byte) []byte {
	switch e {
	case Hex:
		return hex.AppendEncode(dst, raw)
	case Base64:
		return base64.StdEncoding.AppendEncode(dst, raw)
	}
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		dst = appendRune(dst, raw[:size], r)
		raw = raw[size:]
	}
	return dst
}

// appendRune adds one rune, or the one byte that is none.
func appendRune(dst, raw []byte, r rune) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
		dst = append(dst, '\\', 'x')
		return hex.AppendEncode(dst, raw)
	case r == '\\':
		return append(dst, `\\`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case strconv.IsPrint(r):
		return append(dst, raw...)
	case r < 0x10000:
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return fmt.Appendf(dst, `\U%08x`, r)
}

// String is raw's text.
func (e Encoding) String(raw []byte) string { return string(e.Append(nil, raw)) }

// abridge keeps messages short.
func abridge(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
