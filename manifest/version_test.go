package manifest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const tree = `
L0 r9 9:c-d 10:f-g
L0 r5 5:a-z
L1 r1 1:b-c 2:e-g 3:k-k
L6 r1 4:a-zz
`

func TestVersionStringDrawsTheTree(t *testing.T) {
	golden(t, "tree.txt", []byte(parseVersion(t, tree).String()+"\n"+new(Version).String()))
}

func TestFindLooksAtInclusiveBounds(t *testing.T) {
	run := &parseVersion(t, tree).Levels[1].Runs[0]
	for key, want := range map[string]uint64{
		"": 0, "a": 0, "b": 1, "bb": 1, "c": 1, "c\x00": 0, "d": 0, "e": 2, "g": 2, "h": 0, "k": 3, "k\x00": 0, "z": 0,
	} {
		var got uint64
		if s := run.Find([]byte(key)); s != nil {
			got = s.ID
		}
		if got != want {
			t.Errorf("Find(%q) = slice %d, want %d", key, got, want)
		}
	}
}

func TestOverlappingKnowsOpenBounds(t *testing.T) {
	v := parseVersion(t, tree)
	key := func(s string) []byte {
		if s == "nil" {
			return nil
		}
		return []byte(s)
	}
	for _, c := range []struct {
		level  int
		lo, hi string
		want   string
	}{
		{1, "nil", "nil", "1 2 3"},
		{1, "nil", "", ""},
		{1, "nil", "a", ""},
		{1, "", "b", "1"},
		{1, "c", "e", "1 2"},
		{1, "d", "d", ""},
		{1, "h", "nil", "3"},
		{1, "l", "nil", ""},
		{1, "k", "k", "3"},
		{1, "z", "a", ""},
		{0, "d", "e", "9 5"},
		{0, "nil", "nil", "9 10 5"},
		{0, "h", "h", "5"},
		{3, "nil", "nil", ""},
	} {
		var ids []string
		for _, s := range v.Overlapping(c.level, key(c.lo), key(c.hi)) {
			ids = append(ids, fmt.Sprint(s.ID))
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("Overlapping(L%d, %q, %q) = %s, want %s", c.level, c.lo, c.hi, got, c.want)
		}
	}
}

func TestVersionSums(t *testing.T) {
	v := parseVersion(t, tree)
	if got, want := v.LevelBytes(0), int64(4096*(9+10+5)); got != want {
		t.Errorf("LevelBytes(0) = %d, want %d", got, want)
	}
	if v.SliceCount() != 7 || v.Levels[1].SliceCount() != 3 {
		t.Errorf("SliceCount = %d, %d", v.SliceCount(), v.Levels[1].SliceCount())
	}
	if v.Slice(3) == nil || v.Slice(8) != nil {
		t.Error("Slice finds by id")
	}
	for range v.All() {
		break // stops in the middle
	}
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name    string
		removed []uint64
		added   string
		want    string // or the error
	}{
		{"nothing", nil, "", tree},
		{"a newer run", nil, "L0 r11 11:a-b", "L0 r11 11:a-b" + tree},
		{"a run between", nil, "L0 r7 11:a-b", strings.Replace(tree, "L0 r5", "L0 r7 11:a-b\nL0 r5", 1)},
		{"the last of a run", []uint64{5}, "", strings.Replace(tree, "L0 r5 5:a-z\n", "", 1)},
		{"into gaps", nil, "L1 r1 11:d-d 12:a-a 13:l-m 14:h-j", strings.Replace(tree,
			"1:b-c 2:e-g 3:k-k", "12:a-a 1:b-c 11:d-d 2:e-g 14:h-j 3:k-k 13:l-m", 1)},
		{"replaced", []uint64{1, 2}, "L1 r1 11:b-f 12:g-h", strings.Replace(tree, "1:b-c 2:e-g", "11:b-f 12:g-h", 1)},
		{"moved", []uint64{3}, "L3 r1 3:k-k", strings.Replace(strings.Replace(tree,
			" 3:k-k", "", 1), "L6", "L3 r1 3:k-k\nL6", 1)},
		{"into an empty level", nil, "L5 r3 11:a-b 12:c-d", strings.Replace(tree, "L6", "L5 r3 11:a-b 12:c-d\nL6", 1)},
		{"everything", []uint64{1, 2, 3, 4, 5, 9, 10}, "", ""},

		{"unknown id", []uint64{77}, "", "removed slice 77 is not there"},
		{"id removed twice", []uint64{5, 5}, "", "slice 5 is named twice"},
		{"id added twice", nil, "L2 r1 11:a-b 11:c-d", "slice 11 is named twice"},
		{"live id", nil, "L2 r1 5:a-b", "added slice 5 is there already"},
		{"upper touches lower", nil, "L1 r1 11:d-e", "slice 11 [\"d\", \"e\"] is not before slice 2"},
		{"lower touches upper", nil, "L1 r1 11:c-d", "slice 1 [\"b\", \"c\"]"},
		{"inside another", nil, "L1 r1 11:f-f", "slice 2 [\"e\", \"g\"]"},
		{"around another", nil, "L1 r1 11:d-h", "slice 2 [\"e\", \"g\"]"},
		{"two that overlap", nil, "L1 r1 11:m-p 12:n-o", "slice 11 [\"m\", \"p\"] is not before slice 12"},
		{"inverted bounds", nil, "L1 r1 11:p-m", "lower bound \"p\" is above upper bound \"m\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := parseVersion(t, tree)
			before := full(v)
			next, err := v.Apply(&Edit{Removed: c.removed, Added: parseSlices(t, c.added)})
			if full(v) != before {
				t.Error("the old version changed")
			}
			if err != nil {
				if !errors.Is(err, ErrInvalid) || c.want == "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %s", err, c.want)
				}
				return
			}
			if got, want := brief(next), strings.TrimLeft(c.want, "\n"); got != strings.ReplaceAll(want, "\n\n", "\n") {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
			if err := next.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestApplySharesWhatDoesNotChange(t *testing.T) {
	v := parseVersion(t, tree)
	next, err := v.Apply(&Edit{Removed: []uint64{5}})
	if err != nil {
		t.Fatal(err)
	}
	if &next.Levels[1].Runs[0] != &v.Levels[1].Runs[0] {
		t.Error("level 1 was copied")
	}
	if &next.Levels[0].Runs[0].Slices[0] != &v.Levels[0].Runs[0].Slices[0] {
		t.Error("run 9 was copied")
	}
}

func TestCheckFindsEveryBrokenRule(t *testing.T) {
	for name, breakIt := range map[string]func(v *Version){
		"runs in wrong order":   func(v *Version) { r := v.Levels[0].Runs; r[0], r[1] = r[1], r[0] },
		"run twice":             func(v *Version) { v.Levels[0].Runs = append(v.Levels[0].Runs, v.Levels[0].Runs[1]) },
		"empty run":             func(v *Version) { v.Levels[0].Runs[0].Slices = nil },
		"slices in wrong order": func(v *Version) { s := v.Levels[1].Runs[0].Slices; s[0], s[1] = s[1], s[0] },
		"another level":         func(v *Version) { v.Levels[2] = v.Levels[1] },
		"another run":           func(v *Version) { v.Levels[1].Runs[0].ID = 2 },
		"an id twice":           func(v *Version) { v.Levels[6].Runs[0].Slices[0].ID = 1 },
		"no id":                 func(v *Version) { v.Levels[6].Runs[0].Slices[0].ID = 0 },
		"no file":               func(v *Version) { v.Levels[6].Runs[0].Slices[0].File = 0 },
		"empty file":            func(v *Version) { v.Levels[6].Runs[0].Slices[0].FileBytes = 0 },
		"level out of range":    func(v *Version) { v.Levels[6].Runs[0].Slices[0].Level = LevelCount },
		"sequences inverted":    func(v *Version) { v.Levels[6].Runs[0].Slices[0].SeqMin = 1 << 40 },
		"times inverted":        func(v *Version) { v.Levels[6].Runs[0].Slices[0].TimeMin = 1 << 40 },
		"too many tombstones":   func(v *Version) { v.Levels[6].Runs[0].Slices[0].Tombstones = 1 << 40 },
		"one file, two identities": func(v *Version) {
			v.Levels[6].Runs[0].Slices[0].File = 1
		},
	} {
		v := parseVersion(t, tree)
		breakIt(v)
		if err := v.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A random tree grows by edits through Apply, and through the builder that Open
// uses: both must say the same of every edit, the refused ones included.
func TestApplyAndBuilderAgree(t *testing.T) {
	var applied, refused int
	for seed := range uint64(30/thin() + 10) {
		r := rand.New(rand.NewPCG(seed, 3))
		v, b := new(Version), builder{live: map[uint64]*Slice{}}
		for i := range 200 {
			e := randomEdit(r, v, uint64(i)*8+1)
			next, err := v.Apply(e)
			copied := builder{live: map[uint64]*Slice{}}
			for id, s := range b.live {
				copied.live[id] = s
			}
			errBuilder := copied.apply(e)
			var built *Version
			if errBuilder == nil {
				built, errBuilder = copied.version()
			}
			if (err == nil) != (errBuilder == nil) {
				t.Fatalf("seed %d, edit %d: Apply says %v, the builder %v", seed, i, err, errBuilder)
			}
			if err != nil {
				refused++
				continue
			}
			applied++
			if full(next) != full(built) {
				t.Fatalf("seed %d, edit %d: Apply:\n%s\nbuilder:\n%s", seed, i, next, built)
			}
			v, b = next, copied
		}
	}
	if applied < 1000 || refused < 100 {
		t.Errorf("poor coverage: %d applied, %d refused", applied, refused)
	}
}

func randomEdit(r *rand.Rand, v *Version, id uint64) *Edit {
	e := new(Edit)
	for s := range v.All() {
		if r.IntN(12) == 0 {
			e.Removed = append(e.Removed, s.ID)
		}
	}
	level, run := r.IntN(3), uint64(r.IntN(4))
	at := r.IntN(900)
	for range r.IntN(4) {
		width := r.IntN(20)
		e.Added = append(e.Added, newSlice(id, level, run, fmt.Sprintf("%03d", at), fmt.Sprintf("%03d", at+width)))
		at += width + r.IntN(30)
		id++
	}
	r.Shuffle(len(e.Added), func(i, j int) { e.Added[i], e.Added[j] = e.Added[j], e.Added[i] })
	return e
}
