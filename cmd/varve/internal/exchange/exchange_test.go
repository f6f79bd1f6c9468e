package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// pair is an entry as a test sees it.
type pair struct{ key, value string }

func write(t *testing.T, f Format, o Options, pairs []pair) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(f, &b, o)
	for _, p := range pairs {
		if err := w.Write([]byte(p.key), []byte(p.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read is what a file holds, up to its end or the error.
func read(f Format, o Options, file []byte) (pairs []pair, err error) {
	r := NewReader(f, bytes.NewReader(file), o)
	for {
		key, value, err := r.Next()
		if err != nil {
			return pairs, err
		}
		pairs = append(pairs, pair{string(key), string(value)})
	}
}

// variants are the formats that carry every byte.
var variants = map[string]struct {
	Format
	Options
}{
	"jsonl":      {JSONL, Options{}},
	"tsv":        {TSV, Options{}},
	"tsv hex":    {TSV, Options{Encoding: quote.Hex}},
	"csv hex":    {CSV, Options{Encoding: quote.Hex}},
	"csv base64": {CSV, Options{Encoding: quote.Base64, Header: true}},
	"frames":     {Frames, Options{}},
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	pairs := []pair{
		{"", ""}, {"a", ""}, {"plain", "text, \"quoted\""}, {"tab\t", "new\nline\r\n"},
		{"\x00\xff", "\xfe"}, {"é", "\u2028�"}, {"k", strings.Repeat("long ", 200_000)}, {`\`, `\ud800`},
	}
	r := rand.New(rand.NewSource(7))
	for i := range 200 {
		raw := make([]byte, r.Intn(50))
		r.Read(raw)
		pairs = append(pairs, pair{fmt.Sprintf("%03d%s", i, raw), string(raw)})
	}
	for name, v := range variants {
		got, err := read(v.Format, v.Options, write(t, v.Format, v.Options, pairs))
		if err != io.EOF || len(got) != len(pairs) {
			t.Errorf("%s: %d entries of %d, %v", name, len(got), len(pairs), err)
			continue
		}
		for i := range got {
			if got[i] != pairs[i] {
				t.Errorf("%s: %.100q came back as %.100q", name, pairs[i], got[i])
			}
		}
	}
}

func TestCSVIsAsOtherProgramsWriteIt(t *testing.T) {
	pairs := []pair{{"a", "b"}, {"with, comma", "two\nlines"}, {`"q"`, ""}}
	const want = "key,value\na,b\n\"with, comma\",\"two\nlines\"\n\"\"\"q\"\"\",\n"
	o := Options{Header: true}
	if got := write(t, CSV, o, pairs); string(got) != want {
		t.Errorf("written:\n%s", got)
	}
	if got, err := read(CSV, o, []byte(want)); err != io.EOF || fmt.Sprint(got) != fmt.Sprint(pairs) {
		t.Errorf("read back: %v, %v", got, err)
	}
	if got := write(t, CSV, o, nil); string(got) != "key,value\n" {
		t.Errorf("no entries: %q", got)
	}
}

func TestCSVDoesNotLoseCarriageReturnsSilently(t *testing.T) {
	w := NewWriter(CSV, io.Discard, Options{})
	if err := w.Write([]byte("k"), []byte("a\r\nb")); err == nil || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("%v", err)
	}
}

func TestMalformedLinesAreNamed(t *testing.T) {
	good := map[Format]string{JSONL: `{"key":"a","value":"b"}` + "\n\n", TSV: "a\tb\n\n", CSV: "a,b\n\n"}
	for _, c := range []struct {
		format       Format
		bad, because string
	}{
		{JSONL, `{"key":"a"}`, "no value"},
		{JSONL, `{"value":"a"}`, "no key"},
		{JSONL, `{"key":"a","value":1}`, "must be a string"},
		{JSONL, `{"key":"a","value":null}`, "must be a string"},
		{JSONL, `{"key":"a","value":{"b":"c"}}`, "must be a string"},
		{JSONL, `{"key":"a","value":"b","ttl":"3"}`, "unknown field"},
		{JSONL, `{"Key":"a","value":"b"}`, "unknown field"},
		{JSONL, `{"key":"a","key":"b","value":"c"}`, "comes after another"},
		{JSONL, `{"key":"a","key_base64":"","value":"c"}`, "comes after another"},
		{JSONL, `{"key_base64":"?","value":"c"}`, "illegal base64"},
		{JSONL, `{"key":"a","value":"b"`, "does not end"},
		{JSONL, `{"key":"a","value":"b"} {}`, "follows the object"},
		{JSONL, `["a","b"]`, "want an object"},
		{JSONL, `{1:"a"}`, "invalid"},
		{JSONL, `{"key" "a"}`, "invalid"},
		{JSONL, "{\"key\":\"\xff\",\"value\":\"\"}", "not UTF-8"},
		{JSONL, `{"key":"\ud800","value":""}`, "surrogate"},
		{JSONL, `{"key":"\uDC00\ud800","value":""}`, "surrogate"},
		{JSONL, `{"key":"` + strings.Repeat("k", 64<<10+1) + `","value":""}`, "limit is 65536"},
		{TSV, "a", "one tab"},
		{TSV, "a\tb\tc", "one tab"},
		{TSV, "a\\q\tb", "bad escape"},
		{TSV, "a\tb\\", "bad escape"},
		{CSV, "a", "1 fields"},
		{CSV, "a,b,c", "3 fields"},
		{CSV, `a"b,c`, "column 2"},
		{CSV, `"a`, "column"},
	} {
		var bad *Malformed
		got, err := read(c.format, Options{}, []byte(good[c.format]+c.bad))
		if !errors.As(err, &bad) || bad.Line != 3 || !strings.Contains(bad.Reason, c.because) || len(got) != 1 {
			t.Errorf("%.60s: %d entries, %v, want line 3 and %q", c.bad, len(got), err, c.because)
		}
	}
	if got, err := read(JSONL, Options{}, []byte(`{"key":"\\ud800\ud83d\ude00","value":""}`)); err != io.EOF || got[0].key != `\ud800😀` {
		t.Errorf("a whole pair: %q, %v", got, err)
	}
}

func TestEveryFlippedBitOfAFrameIsFound(t *testing.T) {
	file := write(t, Frames, Options{}, []pair{{"key", "value"}, {"", strings.Repeat("v", 300)}})
	for i := range len(file) * 8 {
		damaged := bytes.Clone(file)
		damaged[i/8] ^= 1 << (i % 8)
		var bad *Malformed
		if got, err := read(Frames, Options{}, damaged); !errors.As(err, &bad) || len(got) > 0 && got[0].key != "key" {
			t.Fatalf("bit %d of byte %d: %v, %v", i%8, i/8, got, err)
		}
	}
	for size := range file {
		var bad *Malformed
		if _, err := read(Frames, Options{}, file[:size]); !errors.As(err, &bad) {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
	}
	if _, err := read(Frames, Options{}, append(file, 0)); err == io.EOF {
		t.Error("a byte behind the end is not noticed")
	}
}

func TestAFrameThatClaimsMuchTakesLittle(t *testing.T) {
	claim := []byte(frameMagic + "\x01\x00\xff\xff\xff\xff\x03short") // 1 GiB - 1
	r := newFrameReader(bytes.NewReader(claim))
	if _, _, err := r.Next(); err == nil || r.data.Cap() > 1<<20 {
		t.Errorf("%v, and a buffer of %d bytes", err, r.data.Cap())
	}
}

func TestLongLinesAreRefusedBeforeTheyAreRead(t *testing.T) {
	l := newLines(strings.NewReader(strings.Repeat("x", 3<<20)))
	l.max = 1 << 20
	if _, err := l.next(); err == nil || len(l.buf) > 1<<20 {
		t.Errorf("%v, and %d bytes kept", err, len(l.buf))
	}
}

func TestBrokenReadersAreNoMalformedFiles(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, v := range variants {
		file := write(t, v.Format, v.Options, []pair{{"a", "b"}, {"c", "d"}})
		r := NewReader(v.Format, io.MultiReader(bytes.NewReader(file[:len(file)-2]), failing{broken}), v.Options)
		var err error
		for err == nil {
			_, _, err = r.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestFormatsByName(t *testing.T) {
	for name, want := range map[string]Format{"a.csv": CSV, "b.TSV": TSV, "c.ndjson": JSONL, "d": JSONL, "e.frames": Frames} {
		if got := FormatOf(name); got != want {
			t.Errorf("%s: %s", name, &got)
		}
	}
	if (Options{Header: true}).Check(TSV) == nil || (Options{Encoding: quote.Hex}).Check(JSONL) == nil || (Options{Encoding: quote.Hex}).Check(CSV) != nil {
		t.Error("options are not held against the format")
	}
}
