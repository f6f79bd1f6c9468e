# The steps of .ci/run, in its order. Each is a function step_NAME that runs in
# a subshell with set -e, at the root of the tree; $scratch is removed at the end.
# shellcheck shell=bash

declare -A purpose=(
	[format]='gofmt has nothing to change'
	[vet]='go vet, all modules; the tests of those outside go.work'
	[cross_vet]='go vet of the root module on the other platforms'
	[contract]='the public contract compiles against this tree'
	[fuzz]='every fuzz target for some seconds'
	[race]='the root module with race detector and assertions, short'
	[readme]="the README's second command block"
)

step_format() {
	local unformatted
	unformatted=$(gofmt -l .)
	[ -z "$unformatted" ] || { printf 'run gofmt -w on:\n%s\n' "$unformatted"; return 1; }
}

# Modules of go.work are vetted together, and tested by README.md's command. The
# others (the peers' module has needs of its own) are vetted and tested here, and
# only where their dependencies can be had.
step_vet() {
	go vet work
	go vet .ci/tally.go
	local dir
	find . -name go.mod -not -path '*/testdata/*' | sort | while read -r dir; do
		dir=$(dirname "$dir")
		! in_workspace "$dir" || continue
		if (cd "$dir" && GOWORK=off go mod download) >"$scratch/download" 2>&1; then
			echo "vet and test $dir, outside go.work"
			(cd "$dir" && GOWORK=off go vet ./...)
			(cd "$dir" && GOWORK=off go test -short -timeout=5m ./...)
		else
			echo "skipped $dir: its dependencies cannot be downloaded here: $(tail -n 1 "$scratch/download")"
		fi
	done
}

in_workspace() {
	local gomod
	gomod=$(cd "$1" && pwd)/go.mod
	go list -m -f '{{.GoMod}}' | grep -qxF "$gomod"
}

step_cross_vet() {
	local platform
	for platform in linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 linux/amd64; do
		echo "vet $platform"
		CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go vet ./...
	done
}

# An outside program that uses every promised name. It lies beside the
# checkout, not in it.
step_contract() {
	local from=${VARVE_CONTRACT:-../shared/contract} module=$scratch/contract
	if [ ! -f "$from/contract.go" ]; then
		echo "skipped: no $from/contract.go beside this checkout"
		return 0
	fi
	echo 'contract2.go is left out: it comes with the complete log (wal/state, Changes, Checkpoint, Restore)'
	mkdir -p "$module"
	cp "$from/contract.go" go.sum "$module"
	cd "$module"
	export GOWORK=off GOFLAGS=-mod=mod
	cat >go.mod <<-MOD
		module example.com/contract

		$(grep '^go ' "$root/go.mod")

		require github.com/varvekv/varve v0.0.0

		replace github.com/varvekv/varve => $root
	MOD
	go vet .
}

# 180 s are shared out evenly, at most 10 s to a target. Building the
# instrumented binaries comes on top; past the deadline targets are named and
# left out rather than run late.
step_fuzz() {
	local budget=180 deadline=$((SECONDS + 270)) count seconds package target
	fuzz_targets >"$scratch/fuzz"
	count=$(wc -l <"$scratch/fuzz")
	[ "$count" -gt 0 ] || { echo 'no fuzz targets'; return 0; }
	seconds=$((budget / count))
	[ "$seconds" -le 10 ] || seconds=10
	[ "$seconds" -ge 1 ] || seconds=1
	echo "$count targets, $seconds s each"
	while read -r package target; do
		if [ "$SECONDS" -gt "$deadline" ]; then
			echo "left out for time: $package $target"
			continue
		fi
		echo "fuzz $package $target"
		fuzz_one "$package" "$target" "$seconds" || { cat "$scratch/fuzz.log"; return 1; }
		grep -E '^fuzz: elapsed|^ok' "$scratch/fuzz.log" | tail -n 2
	done <"$scratch/fuzz"
}

# Go's fuzzer now and then takes its own deadline for a failure of the target: "context
# deadline exceeded" and no failing input. Only then the target runs again.
fuzz_one() {
	local attempt
	for attempt in 1 2 3; do
		go test -run='^$' -fuzz="^$2\$" -fuzztime="${3}s" -fuzzminimizetime=5s "$1" >"$scratch/fuzz.log" 2>&1 && return 0
		grep -qE '^ +context deadline exceeded$' "$scratch/fuzz.log" || return 1
		! grep -q 'Failing input' "$scratch/fuzz.log" || return 1
	done
	return 1
}

# One line "package target" for each; go test -list prints a package's names
# and then its ok line.
fuzz_targets() {
	local listed
	listed=$(go test -list='^Fuzz' work) || { echo "$listed" >&2; return 1; }
	awk '/^Fuzz/ {names[++n] = $1} /^ok/ {for (i = 1; i <= n; i++) print $2, names[i]; n = 0}' <<<"$listed"
}

step_race() {
	local race=-race
	if ! command -v "$(go env CC | cut -d' ' -f1)" >/dev/null; then
		race=
		echo 'no C compiler: the race detector is left out, the assertions stay on'
	fi
	# shellcheck disable=SC2086
	CGO_ENABLED=${race:+1} tallied go test $race -tags=invariants -short -timeout=8m ./...
}

# The block runs as it stands in README.md; only GOFLAGS asks for events that
# can be counted, and the tally prints them as go test would.
step_readme() {
	local block=$scratch/readme.sh
	[ -f README.md ] || { echo 'there is no README.md: its second ``` block must hold the command that tests everything'; return 1; }
	awk '/^```/ {fence++; next} fence == 3' README.md >"$block"
	if [ "$(grep -c '^```' README.md)" -lt 4 ] || ! grep -q '[^[:space:]]' "$block"; then
		echo 'README.md has no second ``` block: it must hold the command that tests everything'
		return 1
	fi
	sed 's/^/$ /' "$block"
	tallied bash -euo pipefail "$block"
}

# tallied runs a command whose go test calls are counted into $scratch/counts.
tallied() {
	go build -o "$scratch/tally" .ci/tally.go
	GOFLAGS="$(go env GOFLAGS) -json" "$@" 2>&1 | "$scratch/tally" "$scratch/counts"
}
