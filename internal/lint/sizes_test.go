package lint

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestOversizedMeasures(t *testing.T) {
	body := func(lines int) string { return strings.Repeat("\t_ = 1\n", lines) }
	method := func(lines int) string { // lines with its head and its brace
		return "package p\n\ntype T[K any] struct{}\n\nfunc (t *T[K]) Long() {\n" + body(lines-2) + "}\n"
	}
	long := func(lines int) string { return "package p\n" + strings.Repeat("//\n", lines-1) }
	for _, c := range []struct {
		path, src string
		want      map[subject]size
	}{
		{"a.go", long(400), nil},
		{"a.go", long(401), map[subject]size{{"file", "a.go", ""}: {401, 1}}},
		{"a.go", strings.TrimSuffix(long(401), "\n"), map[subject]size{{"file", "a.go", ""}: {401, 1}}},
		{"a.go", method(70), nil},
		{"a.go", method(71), map[subject]size{{"func", "a.go", "(*T).Long"}: {71, 5}}},
		{"a_test.go", method(500), nil},
		{"a_test.go", long(801), map[subject]size{{"test", "a_test.go", ""}: {801, 1}}},
		{"testdata/a.go", long(500), nil},
	} {
		got := oversized(snippet(map[string]string{c.path: c.src}))
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.path, got, c.want)
		}
	}
}

func TestRatchetOnlyTightens(t *testing.T) {
	file := subject{"file", "a.go", ""}
	fn := subject{"func", "a.go", "(*T).Long"}
	at := func(lines, line int) size { return size{lines, line} }
	for _, c := range []struct {
		name           string
		ratchet, today map[subject]size
		want           []string
		rewritten      string // without its head
	}{
		{"unchanged", map[subject]size{file: at(450, 3)}, map[subject]size{file: at(450, 1)}, nil, "file 450 a.go\n"},
		{"new", nil, map[subject]size{fn: at(71, 12)},
			[]string{"a.go:12: function (*T).Long has 71 lines, the limit is 70: split it"}, ""},
		{"grown", map[subject]size{file: at(450, 3)}, map[subject]size{file: at(451, 1)},
			[]string{"a.go:1: file a.go grew from 450 to 451 lines"}, "file 450 a.go\n"},
		{"shrunk", map[subject]size{fn: at(90, 3)}, map[subject]size{fn: at(80, 12)},
			[]string{ratchetPath + ":3: function (*T).Long has shrunk from 90 to 80 lines: tighten its line"}, "func 80 a.go (*T).Long\n"},
		{"gone", map[subject]size{file: at(450, 3)}, nil,
			[]string{ratchetPath + ":3: file a.go is within its limit, or gone: remove its line"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFindings(t, compareSizes(c.ratchet, c.today), c.want)
			if got := formatRatchet(tighten(c.ratchet, c.today)); got != ratchetHead+c.rewritten {
				t.Errorf("-rewrite would write %q, want %q", got, c.rewritten)
			}
		})
	}
}

func TestRatchetRoundTrip(t *testing.T) {
	want := map[subject]size{
		{"file", "a.go", ""}:          {450, 3},
		{"func", "a.go", "(*T).Long"}: {80, 4},
		{"test", "b_test.go", ""}:     {900, 5},
	}
	got, err := parseRatchet(formatRatchet(want))
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"file 450", "room 450 a.go", "file many a.go", "func 80 a.go f g"} {
		if _, err := parseRatchet(fmt.Sprintf("# head\n%s\n", bad)); err == nil || !strings.Contains(err.Error(), ":2: ") {
			t.Errorf("%q: error %v, want one for line 2", bad, err)
		}
	}
}
