package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

type jsonReader struct{ lines }

// Next implements Reader.
func (r *jsonReader) Next() (key, value []byte, err error) {
	line, err := r.next()
	if err != nil {
		return nil, nil, err
	}
	key, value, reason := parseEntry(line)
	if reason == "" {
		reason = checkSizes(key, value)
	}
	if reason != "" {
		return nil, nil, r.malformed("%s", reason)
	}
	return key, value, nil
}

// parseEntry reads one line; reason says why it is no entry. It is stricter than
// a struct that is decoded into: other names, names in another case, a name told
// twice and half characters are refused, since none of them can be meant.
func parseEntry(line []byte) (key, value []byte, reason string) {
	if !utf8.Valid(line) {
		return nil, nil, "not UTF-8: bytes that are no text are written as key_base64 and value_base64"
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, "want an object with key and value"
	}
	for d.More() {
		name, text, reason := parseField(d)
		if reason != "" {
			return nil, nil, reason
		}
		raw, reason := decodeField(name, text)
		if reason != "" {
			return nil, nil, reason
		}
		into := &value
		if strings.HasPrefix(name, "key") {
			into = &key
		}
		if *into != nil {
			return nil, nil, fmt.Sprintf("%q comes after another of its kind", name)
		}
		*into = raw
	}
	return key, value, checkEntry(d, line, key, value)
}

// parseField reads a name and its string.
func parseField(d *json.Decoder) (name, text, reason string) {
	token, err := d.Token()
	if err != nil {
		return "", "", jsonReason(err)
	}
	name, isString := token.(string)
	if !isString {
		return "", "", "names of fields are strings"
	}
	token, err = d.Token()
	if err != nil {
		return "", "", jsonReason(err)
	}
	if text, isString = token.(string); !isString {
		return "", "", fmt.Sprintf("%q must be a string", name)
	}
	return name, text, ""
}

// decodeField is the bytes of a field, never nil.
func decodeField(name, text string) (raw []byte, reason string) {
	switch name {
	case "key", "value":
		return append([]byte{}, text...), ""
	case "key_base64", "value_base64":
		raw, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(text))
		if err != nil {
			return nil, fmt.Sprintf("%q: %v", name, err)
		}
		return raw, ""
	}
	return nil, fmt.Sprintf("unknown field %q: there are key, key_base64, value and value_base64", name)
}

// checkEntry looks at what only the whole line tells.
func checkEntry(d *json.Decoder, line, key, value []byte) (reason string) {
	if _, err := d.Token(); err != nil {
		return jsonReason(err) // no closing brace
	}
	if _, err := d.Token(); err != io.EOF {
		return "something follows the object"
	}
	switch {
	case key == nil:
		return "there is no key"
	case value == nil:
		return "there is no value"
	case hasHalfCharacter(line):
		return "half of a surrogate pair is no character"
	}
	return ""
}

func jsonReason(err error) string {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the object does not end"
	}
	return err.Error()
}

// hasHalfCharacter finds a \ud800 to \udfff that is not one of a pair: package
// json would read it as U+FFFD. REQUIRES: the line is valid JSON.
func hasHalfCharacter(line []byte) bool {
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		i++ // what is escaped is no backslash of its own
		if !isSurrogate(line, i, '8', 'f') {
			continue
		}
		if !isSurrogate(line, i, '8', 'b') || i+5 >= len(line) || line[i+5] != '\\' || !isSurrogate(line, i+6, 'c', 'f') {
			return true
		}
		i += 10
	}
	return false
}

// isSurrogate is true for uDxyz at i, where x is from lowest to highest.
func isSurrogate(line []byte, i int, lowest, highest byte) bool {
	if i+4 >= len(line) || line[i] != 'u' || line[i+1]|0x20 != 'd' {
		return false
	}
	x := line[i+2]
	if x >= 'A' {
		x |= 0x20
	}
	return lowest <= x && x <= highest
}

type jsonWriter struct{ e *json.Encoder }

// entry is one line.
type entry struct {
	quote.Key
	quote.Value
}

func newJSONWriter(w io.Writer) *jsonWriter {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &jsonWriter{e}
}

// Write implements Writer.
func (w *jsonWriter) Write(key, value []byte) error {
	return w.e.Encode(entry{quote.KeyOf(key), quote.ValueOf(value)})
}

// Close implements Writer.
func (w *jsonWriter) Close() error { return nil }
