package show

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/engine"
)

// durabilities is a table of engine by durability.
func durabilities(engines []results.Engine, y *style) string {
	names := []string{engine.Buffered.String(), engine.Written.String(), engine.Synced.String()}
	t := table.NewWriter()
	t.AppendHeader(table.Row{"engine", names[0], names[1], names[2]})
	t.SetColumnConfigs(wrapped(2, 3, 4))
	for _, e := range engines {
		line := table.Row{title(&e)}
		for _, n := range names {
			how := e.Durability[n]
			if how == "" {
				how = "cannot be had"
			}
			line = append(line, how)
		}
		t.AppendRow(line)
		t.AppendSeparator()
	}
	return y.render(t)
}

// settings is a table of every setting of every engine, by profile.
func settings(r *results.Record, y *style) string {
	t := table.NewWriter()
	header := table.Row{"engine", "setting"}
	for _, p := range peer.Profiles() {
		header = append(header, string(p))
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(wrapped(3, 4))
	for i := range r.Engines {
		e := &r.Engines[i]
		for _, name := range settingNames(e) {
			line := table.Row{title(e), name}
			for _, p := range peer.Profiles() {
				line = append(line, settingOf(e.Settings[p], name))
			}
			t.AppendRow(line)
		}
		t.AppendSeparator()
	}
	return y.render(t)
}

const wrapAt = 44 // columns of a terminal

func wrapped(columns ...int) (configs []table.ColumnConfig) {
	for _, c := range columns {
		configs = append(configs, table.ColumnConfig{Number: c, WidthMax: wrapAt, WidthMaxEnforcer: text.WrapSoft})
	}
	return configs
}

// title is name and version; of a version that no tag names, the commit is cut off.
func title(e *results.Engine) string {
	version := e.Version
	if parts := strings.Split(version, "-"); len(parts) > 2 {
		version = strings.Join(parts[:len(parts)-1], "-")
	}
	return strings.TrimSpace(e.Name + " " + version)
}

// settingNames is the names in any profile, in the order of the engine's words.
func settingNames(e *results.Engine) (names []string) {
	seen := map[string]bool{}
	for _, p := range peer.Profiles() {
		for _, s := range e.Settings[p] {
			if !seen[s.Name] {
				seen[s.Name] = true
				names = append(names, s.Name)
			}
		}
	}
	return names
}

func settingOf(all []peer.Setting, name string) string {
	for _, s := range all {
		if s.Name == name {
			return s.Value
		}
	}
	return "as it comes"
}
