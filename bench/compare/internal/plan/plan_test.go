package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/peer"
)

func everyone(string, string) bool { return true }

// three is a small plan: three engines, two jobs, two rounds.
func three() *Plan {
	p := skeleton("three", []string{"x", "y", "z"}, 2, Size{10, 100}, Size{20, 1000})
	p.Jobs = []Job{ycsb("ycsb", time.Second, time.Minute, Load, "A"), synced(time.Second)}
	p.Jobs[1].Sizes = []Size{{5, 100}}
	return p
}

func TestEnginesTakeTurnsAndRotate(t *testing.T) {
	units, left := three().Expand(everyone)
	var got []string
	for _, u := range units {
		got = append(got, u.ID())
	}
	want := strings.Fields(`
		r1-ycsb-10x100-x-tuned r1-ycsb-10x100-y-tuned r1-ycsb-10x100-z-tuned
		r1-ycsb-20x1000-x-tuned r1-ycsb-20x1000-y-tuned r1-ycsb-20x1000-z-tuned
		r1-sync-5x100-x-tuned r1-sync-5x100-y-tuned r1-sync-5x100-z-tuned
		r2-ycsb-10x100-y-tuned r2-ycsb-10x100-z-tuned r2-ycsb-10x100-x-tuned
		r2-ycsb-20x1000-y-tuned r2-ycsb-20x1000-z-tuned r2-ycsb-20x1000-x-tuned
		r2-sync-5x100-y-tuned r2-sync-5x100-z-tuned r2-sync-5x100-x-tuned`)
	if !slices.Equal(got, want) {
		t.Errorf("units\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(left) != 0 {
		t.Errorf("left out: %v", left)
	}
}

func TestUnitsOfARoundDifferInEngineAndProfileOnly(t *testing.T) {
	p := three()
	p.Profiles = peer.Profiles()
	units, _ := p.Expand(everyone)
	turns := map[string][]Unit{}
	for _, u := range units {
		v := u
		v.Engine, v.Profile = "", ""
		turns[v.ID()] = append(turns[v.ID()], v)
	}
	for id, same := range turns {
		if len(same) != 3*2 {
			t.Errorf("%s: %d units, want one for each engine and profile", id, len(same))
		}
		for _, u := range same {
			if !reflect.DeepEqual(u, same[0]) {
				t.Errorf("%s: %+v beside %+v", id, u, same[0])
			}
		}
	}
	if a, b := units[0].Seed, units[len(units)-1].Seed; a == b {
		t.Errorf("both rounds use seed %d", a)
	}
}

func TestEngineThatCannotPromiseIsLeftOutAndNamed(t *testing.T) {
	units, left := three().Expand(func(engine, durability string) bool {
		return engine != "y" || durability == "buffered"
	})
	for _, u := range units {
		if u.Engine == "y" && u.Job.Name == "sync" {
			t.Errorf("%s was planned", u.ID())
		}
	}
	if want := []LeftOut{{"y", "sync", "synced"}}; !slices.Equal(left, want) {
		t.Errorf("left out %v, want %v", left, want)
	}
	if len(units) != 18-2 {
		t.Errorf("%d units, want 16", len(units))
	}
}

func TestBuiltinPlansAreValid(t *testing.T) {
	engines := []string{"varve", "pebble", "badger", "goleveldb", "bbolt"}
	for _, p := range []*Plan{Quick(engines), Standard(engines), Full(engines)} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back := &Plan{}
		if err := json.Unmarshal(text, back); err != nil || !reflect.DeepEqual(p, back) {
			t.Errorf("%s: %v; its JSON came back as %+v", p.Name, err, back)
		}
	}
}

func TestQuickPlanIsQuick(t *testing.T) {
	units, _ := Quick([]string{"varve", "pebble", "badger", "goleveldb", "bbolt"}).Expand(everyone)
	total := time.Duration(0)
	for i := range units {
		total += units[i].Estimate()
		if units[i].Limit() < units[i].Estimate() {
			t.Errorf("%s would be killed before it is expected to end", units[i].ID())
		}
	}
	if total > 7*time.Minute {
		t.Errorf("estimated %v, want minutes", total)
	}
}

func TestFullPlanHasEveryRow(t *testing.T) {
	p := Full([]string{"varve"})
	seen := map[string]bool{}
	for _, j := range p.Jobs {
		for _, r := range j.Rows {
			seen[r] = true
		}
	}
	for _, name := range append(RowNames(Rows), RowNames(YCSB)...) {
		if !seen[name] {
			t.Errorf("no job has row %s", name)
		}
	}
}

func TestKeep(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"A", "ycsb:A"},
		{"ycsb", "ycsb:load,A"},
		{"fillsync-8,load", "ycsb:load sync:fillsync-8"},
	} {
		p := three()
		if err := p.Keep(strings.Split(c.names, ",")); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, j := range p.Jobs {
			got = append(got, j.Name+":"+strings.Join(j.Rows, ","))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s keeps %v, want %s", c.names, got, c.want)
		}
	}
	if err := three().Keep([]string{"A", "nothing"}); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a name that nothing has: %v", err)
	}
}

func TestValidateNamesTheTrouble(t *testing.T) {
	for _, c := range []struct {
		spoil func(*Plan)
		want  string
	}{
		{func(p *Plan) { p.Schema = 2 }, "schema 2"},
		{func(p *Plan) { p.Rounds = 0 }, "rounds"},
		{func(p *Plan) { p.Threads = 0 }, "threads"},
		{func(p *Plan) { p.Engines = nil }, "no engines"},
		{func(p *Plan) { p.Jobs = nil }, "no jobs"},
		{func(p *Plan) { p.CacheBytes = 0 }, "cache"},
		{func(p *Plan) { p.Jobs[1].Name = "ycsb" }, "two jobs"},
		{func(p *Plan) { p.Jobs[0].Name = "../up" }, "letters"},
		{func(p *Plan) { p.Jobs[0].Durability = "maybe" }, `"maybe"`},
		{func(p *Plan) { p.Jobs[0].Rows = nil }, "no rows"},
		{func(p *Plan) { p.Jobs[0].Rows = []string{"fillseq"} }, `"fillseq"`},
		{func(p *Plan) { p.Jobs[0].Kind = "sql" }, `"sql"`},
		{func(p *Plan) { p.Jobs[0].Duration = 0 }, "duration"},
		{func(p *Plan) { p.Sizes = nil }, "sizes"},
		{func(p *Plan) { p.Sizes[0].ValueBytes = 1 }, "size 10x1"},
		{func(p *Plan) { p.Profiles = []peer.Profile{"wild"} }, "wild"},
	} {
		p := three()
		c.spoil(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want it to speak of %s", err, c.want)
		}
	}
	if err := three().Validate(); err != nil {
		t.Errorf("unspoilt: %v", err)
	}
}

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{
		"200000x100": {200_000, 100}, "200kx100": {200_000, 100}, "2Mx1000": {2_000_000, 1000},
	} {
		var z Size
		if err := z.UnmarshalText([]byte(text)); err != nil || z != want {
			t.Errorf("%s: %v, %v", text, z, err)
		}
	}
	for _, text := range []string{"", "100", "x", "kx1", "-1x100", "1x-1", "1Gx100", "99999999999999999999x1"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken for a size", text)
		}
	}
}
