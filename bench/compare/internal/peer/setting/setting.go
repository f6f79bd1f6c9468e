// Package setting is how the adapters write down an engine's settings: each is a
// knob with its name, its value and the act of turning it, so that what a report
// shows is what was done.
package setting

import "fmt"

// Profile is who chose an engine's settings.
type Profile string

// Profiles.
const (
	Tuned    Profile = "tuned"    // as the engine's own documentation advises for the work and the budgets
	Defaults Profile = "defaults" // as it comes: only directory and durability are set
)

// Setting is one setting of an engine, in the engine's words.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Knob is one setting of an engine whose options are a T.
type Knob[T any] struct {
	Name  string
	Value any
	Turn  func(*T)
}

// New is a knob; it spares its users the names of three fields.
func New[T any](name string, value any, turn func(*T)) Knob[T] {
	return Knob[T]{Name: name, Value: value, Turn: turn}
}

// Turn turns every knob.
func Turn[T any](knobs []Knob[T], options *T) {
	for _, k := range knobs {
		k.Turn(options)
	}
}

// Describe is the knobs as a report shows them.
func Describe[T any](knobs []Knob[T]) []Setting {
	all := make([]Setting, len(knobs))
	for i, k := range knobs {
		all[i] = Setting{Name: k.Name, Value: fmt.Sprint(k.Value)}
	}
	return all
}
