package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// difference names the first option in which two plans differ; empty when they
// are the same. What an engine says of itself belongs to the options: results of
// two versions are not one comparison.
func difference(a, b *Record) string {
	x, y := fields(a), fields(b)
	names := map[string]bool{}
	for name := range x {
		names[name] = true
	}
	for name := range y {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(x[name], y[name]) {
			return fmt.Sprintf("%s was %s, now %s", name, compact(x[name]), compact(y[name]))
		}
	}
	return ""
}

// fields is a record by the names of its JSON form: those of the plan, and the
// engines.
func fields(r *Record) map[string]any {
	all := map[string]any{}
	generic(r.Plan, &all)
	for _, e := range r.Engines {
		var v any
		generic(e, &v)
		all["engine "+e.Name] = v
	}
	return all
}

// generic turns a value into what encoding/json makes of its JSON form.
func generic(v, into any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		panic(err) // bug: what came from JSON or from our own source has a JSON form
	}
}

const compactMax = 200

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > compactMax {
		return string(text[:compactMax]) + "…"
	}
	return string(text)
}
