package command

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/internal/engine"
)

// options is what a plan's command is told. Those that were not given leave the
// plan as it is.
type options struct {
	engines, rows, sizes, profiles []string
	rounds, threads                int
	seed                           uint64
	duration, timeout              time.Duration

	out, scratch string
	cpuProfile   string
	retry        bool
	dryRun       bool
	files        files
}

func (o *options) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.engines, "engines", nil, "engines, in the order of the first round (default: all of this build)")
	f.StringSliceVar(&o.rows, "rows", nil, "only these jobs, rows and workloads of the plan")
	f.StringSliceVar(&o.sizes, "sizes", nil, "records x bytes of a value, such as 200kx100 (jobs with a size of their own keep it)")
	f.StringSliceVar(&o.profiles, "profiles", nil, "for every job: tuned, defaults, or both")
	f.IntVar(&o.rounds, "rounds", 0, "rounds")
	f.IntVar(&o.threads, "threads", 0, "client goroutines")
	f.Uint64Var(&o.seed, "seed", 0, "of all random choices; each round adds its number")
	f.DurationVar(&o.duration, "duration", 0, "time that ends a workload or row, instead of the plan's")
	f.DurationVar(&o.timeout, "timeout", 0, "time after which a unit counts as hanging (default: from its durations)")

	f.StringVar(&o.out, "out", "", "keep results here; with an earlier run's directory, go on with that (default: results/PLAN-TIME)")
	f.StringVar(&o.scratch, "dir", "", "make databases below this directory (default: the results' own)")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "keep a CPU profile of each unit in this directory")
	f.BoolVar(&o.retry, "retry", false, "run again what failed in an earlier run")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the plan, which can be given to the command plan, and run nothing")
	o.files.addFlags(f)
}

// newPlans is a command for each way to come by a plan.
func newPlans(peers []peer.Peer) []*cobra.Command {
	builtin := func(name, short string, make func([]string) *plan.Plan) *cobra.Command {
		return newPlan(peers, name, short, cobra.NoArgs, func([]string) (*plan.Plan, error) {
			return make(names(peers)), nil
		})
	}
	return []*cobra.Command{
		builtin("quick", "YCSB and durable writes on small databases, one round: minutes", plan.Quick),
		builtin("standard", "YCSB and durable writes at two sizes, three rounds: an hour and a half", plan.Standard),
		builtin("full", "every row, three rounds, and data larger than the cache: hours", plan.Full),
		newPlan(peers, "plan FILE", "Run a plan of your own: --dry-run shows what one looks like", cobra.ExactArgs(1),
			func(args []string) (*plan.Plan, error) { return readPlan(args[0], peers) }),
	}
}

func newPlan(peers []peer.Peer, use, short string, args cobra.PositionalArgs, from func(args []string) (*plan.Plan, error)) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := from(args)
			if err != nil {
				return err
			}
			if err := o.apply(p); err != nil {
				return err
			}
			return o.run(c, p, peers)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func readPlan(path string, peers []peer.Peer) (*plan.Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &plan.Plan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(p.Engines) == 0 {
		p.Engines = names(peers)
	}
	return p, nil
}

// apply changes the plan as the flags say.
func (o *options) apply(p *plan.Plan) error {
	if len(o.engines) > 0 {
		p.Engines = o.engines
	}
	if len(o.sizes) > 0 {
		p.Sizes = make([]plan.Size, len(o.sizes))
		for i, s := range o.sizes {
			if err := p.Sizes[i].UnmarshalText([]byte(s)); err != nil {
				return err
			}
		}
	}
	if len(o.rows) > 0 {
		if err := p.Keep(o.rows); err != nil {
			return err
		}
	}
	if o.rounds != 0 {
		p.Rounds = o.rounds
	}
	if o.threads != 0 {
		p.Threads = o.threads
	}
	if o.seed != 0 {
		p.Seed = o.seed
	}
	if o.timeout != 0 {
		p.Timeout = plan.Duration(o.timeout)
	}
	o.applyToJobs(p)
	return nil
}

func (o *options) applyToJobs(p *plan.Plan) {
	if len(o.profiles) > 0 {
		p.Profiles = nil
		for _, s := range o.profiles {
			p.Profiles = append(p.Profiles, peer.Profile(s))
		}
	}
	for i := range p.Jobs {
		if len(o.profiles) > 0 {
			p.Jobs[i].Profiles = nil
		}
		if o.duration != 0 {
			p.Jobs[i].Duration = plan.Duration(o.duration)
		}
	}
}

func names(peers []peer.Peer) (names []string) {
	for _, p := range peers {
		names = append(names, p.Name)
	}
	return names
}

func standardPlan(peers []peer.Peer) *plan.Plan { return plan.Standard(names(peers)) }

// record is the plan with its engines' own words.
func record(p *plan.Plan, peers []peer.Peer) *results.Record {
	r := &results.Record{Plan: *p}
	budget := engine.Options{
		Durability: engine.Buffered, CacheBytes: p.CacheBytes, MemtableBytes: p.MemtableBytes,
		Compression: engine.DefaultCompression,
	}
	for _, q := range peers {
		if !slices.Contains(p.Engines, q.Name) {
			continue
		}
		e := results.Engine{
			Name: q.Name, Version: q.Version, Durability: map[string]string{},
			Settings: map[peer.Profile][]peer.Setting{},
		}
		for d, how := range q.Durability {
			e.Durability[d.String()] = how
		}
		for _, profile := range peer.Profiles() {
			e.Settings[profile] = q.Describe(budget, profile)
		}
		r.Engines = append(r.Engines, e)
	}
	return r
}

// checkEngines tells of an engine that this build does not have.
func checkEngines(p *plan.Plan, peers []peer.Peer) error {
	have := names(peers)
	for i, e := range p.Engines {
		if !slices.Contains(have, e) {
			return fmt.Errorf("no engine is called %q; this build has %s", e, strings.Join(have, ", "))
		}
		if slices.Contains(p.Engines[:i], e) {
			return fmt.Errorf("engine %q is named twice", e)
		}
	}
	return nil
}
