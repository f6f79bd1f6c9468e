package tests

import (
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "seed of the random tests; 0 takes one from the clock")
	opsFlag    = flag.Int("ops", 0, "metamorphic operations; 0 = 30 k short, 1 M normal, 10 M soak")
	killsFlag  = flag.Int("kills", 0, "rounds of kill -9; 0 = 6 short, 60 normal, 10 k soak")
	imagesFlag = flag.Int("images", 0, "crash images; 0 = 300 short, 4 k normal, 1 M soak")
	soakFlag   = flag.Bool("soak", os.Getenv("VARVE_SOAK") != "", "full figures, hours; also VARVE_SOAK=1")
	loadFlag   = flag.Bool("load", os.Getenv("VARVE_LOAD") != "", "the large random load; also VARVE_LOAD=1 and -soak")
)

// roleVariable makes the test binary behave as a child process of a test.
const roleVariable = "VARVE_TESTS_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "load":
		runLoadingChild()
	case "bulk":
		runBulkChild()
	case "hostile":
		runHostileChild()
	case "open":
		runOpeningChild()
	default:
		os.Exit(m.Run())
	}
}

// budget is the amount of work for this kind of run, unless a flag said one.
func budget(said, short, normal, soak int) int {
	switch {
	case said > 0:
		return said
	case *soakFlag:
		return soak
	case testing.Short():
		return short
	}
	return normal
}

// span is budget for times.
func span(short, normal, soak time.Duration) time.Duration {
	return time.Duration(budget(0, int(short), int(normal), int(soak)))
}

// seeded is a random source for this test, whose seed is printed.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with: -run '^%s$' -seed %d", t.Name(), seed)
	return newRand(seed, t.Name()), seed
}

// newRand is a source that differs by purpose.
func newRand(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
