package quote

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"testing"
)

func TestTextsAreWhatGoWouldWrite(t *testing.T) {
	for _, c := range []struct{ raw, escaped, hex, base64 string }{
		{"", "", "", ""},
		{"plain key", "plain key", "706c61696e206b6579", "cGxhaW4ga2V5"},
		{"a\tb\nc\r\\", `a\tb\nc\r\\`, "6109620a630d5c", "YQliCmMNXA=="},
		{"\x00\x7f\xff", `\x00\x7f\xff`, "007fff", "AH//"},
		{"é\u200b\U000e0001�", `é\u200b\U000e0001�`, "c3a9e2808bf3a08081efbfbd", "w6nigIvzoICB77+9"},
		{`"'`, `"'`, "2227", "Iic="},
	} {
		for e, want := range map[Encoding]string{Escaped: c.escaped, Hex: c.hex, Base64: c.base64} {
			if got := e.String([]byte(c.raw)); got != want {
				t.Errorf("encoding %d of %q: %s, want %s", e, c.raw, got, want)
			}
			if back, err := e.Parse(want); err != nil || string(back) != c.raw {
				t.Errorf("encoding %d reads %s as %q, %v", e, want, back, err)
			}
		}
	}
}

func TestEveryByteStringSurvives(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 2000 {
		raw := make([]byte, r.Intn(40))
		r.Read(raw)
		for _, e := range []Encoding{Escaped, Hex, Base64} {
			text := e.String(raw)
			if bytes.ContainsAny([]byte(text), "\t\n\r\x00") {
				t.Fatalf("the text of %q holds separators: %q", raw, text)
			}
			if back, err := e.Parse(text); err != nil || !bytes.Equal(back, raw) {
				t.Fatalf("encoding %d of %q is %s, and back %q, %v", e, raw, text, back, err)
			}
		}
	}
}

func TestEscapesThatPeopleWrite(t *testing.T) {
	for text, want := range map[string]string{
		`\u00e9`: "é", `\x00\101`: "\x00A", `\"\'`: `"'`, "raw\tbyte\xff": "raw\tbyte\xff", `\a\v`: "\a\v",
	} {
		if got, err := Escaped.Parse(text); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestBadTextsAreRefused(t *testing.T) {
	for text, e := range map[string]Encoding{
		`\`: Escaped, `\x0`: Escaped, `\q`: Escaped, `C:\temp\xzz`: Escaped, `\ud800`: Escaped,
		"abc": Hex, "0g": Hex, "YQ": Base64, "?": Base64,
	} {
		if got, err := e.Parse(text); err == nil {
			t.Errorf("%s is %q, want an error", text, got)
		}
	}
}

func TestJSONIsTextOnlyWhereNothingIsLost(t *testing.T) {
	for raw, want := range map[string]string{
		"":         `{"key":""}`,
		"a<\x00>é": `{"key":"a\u003c\u0000\u003eé"}`,
		"\xff":     `{"key_base64":"/w=="}`,
	} {
		got, err := json.Marshal(KeyOf([]byte(raw)))
		if err != nil || string(got) != want {
			t.Errorf("%q is %s, %v, want %s", raw, got, err, want)
		}
	}
	if v := ValueOf(make([]byte, textBytesMax+1)); v.Value != nil {
		t.Error("a huge value is written as text")
	}
}
