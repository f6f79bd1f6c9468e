package cli

import (
	"io"
	"slices"
	"testing"
)

func TestTheCommandCanBeMounted(t *testing.T) {
	c := New()
	var names []string
	for _, child := range c.Commands() {
		names = append(names, child.Name())
	}
	slices.Sort(names)
	if c.Name() != "bench" || !slices.Equal(names, []string{"rows", "ycsb"}) {
		t.Errorf("%s has %v", c.Name(), names)
	}
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	c.SetArgs([]string{"ycsb", "--threads", "0"})
	if err := c.Execute(); err == nil || Failed(err) {
		t.Errorf("a usage error is %v, failed %v", err, Failed(err))
	}
}
