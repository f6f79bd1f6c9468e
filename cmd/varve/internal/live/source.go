// Package live follows a database over time: the figures that a running process
// publishes, or the tree and the log of a directory, and what changes between two
// looks.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/tree"
)

// Sample is a database at one moment, seen from inside its process or from its
// directory.
type Sample struct {
	At      time.Time
	Process *varve.Metrics
	Dir     *tree.Tree
}

// Source is where samples come from.
type Source interface {
	Sample(ctx context.Context) (Sample, error)
	Close()
}

// bodyBytesMax bounds what a process may answer.
const bodyBytesMax = 16 << 20

// standardPath is where package expvar answers.
const standardPath = "/debug/vars"

// process asks a process over HTTP.
type process struct {
	client *http.Client
	url    string
	target string // as it was given
	name   string // of the published figures
}

// Process is the figures that a process has published under a name with package
// expvar. target is http://host:port[/path], https:// likewise, or
// unix:/path.sock; ok is false where it is none of these.
func Process(target, name string, timeout time.Duration) (s Source, ok bool, err error) {
	p := &process{target: target, name: name, client: &http.Client{Timeout: timeout}}
	transport := &http.Transport{DisableCompression: true}
	p.client.Transport = transport
	if socket, isSocket := strings.CutPrefix(target, "unix:"); isSocket {
		socket = strings.TrimPrefix(socket, "//")
		if socket == "" {
			return nil, true, errors.New("it names no socket")
		}
		p.url = "http://unix" + standardPath
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.FromSlash(socket))
		}
		return p, true, nil
	}
	if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
		return nil, false, nil
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return nil, true, errors.New("it is no URL with a host")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = standardPath
	}
	p.url = u.String()
	return p, true, nil
}

// NotPublishedError is an answer without the figures of a database.
type NotPublishedError struct{ Reason string }

func (e *NotPublishedError) Error() string { return e.Reason }

func (p *process) Sample(ctx context.Context) (Sample, error) {
	s := Sample{At: time.Now()}
	body, err := p.get(ctx)
	if err != nil {
		return s, err
	}
	var published map[string]json.RawMessage
	if err := json.Unmarshal(body, &published); err != nil {
		return s, &NotPublishedError{fmt.Sprintf("it does not answer in JSON, as expvar does: %v", err)}
	}
	figures, ok := published[p.name]
	if !ok {
		return s, &NotPublishedError{fmt.Sprintf(
			`it publishes no figures called %q; the process needs expvar.Publish(%[1]q, expvar.Func(func() any { return db.Metrics() }))`, p.name)}
	}
	s.Process = new(varve.Metrics)
	if err := json.Unmarshal(figures, s.Process); err != nil {
		return s, &NotPublishedError{fmt.Sprintf("%q is not the figures of a database: %v", p.name, err)}
	}
	return s, nil
}

func (p *process) get(ctx context.Context) (body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return nil, err
	}
	response, err := p.client.Do(request)
	if inner := new(url.Error); errors.As(err, &inner) {
		err = inner.Err // without the URL, which the caller names
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, &NotPublishedError{"it answers " + response.Status}
	}
	if body, err = io.ReadAll(io.LimitReader(response.Body, bodyBytesMax+1)); err != nil {
		return nil, err
	}
	if len(body) > bodyBytesMax {
		return nil, &NotPublishedError{"its answer is longer than any"}
	}
	return body, nil
}

func (p *process) Close() { p.client.CloseIdleConnections() }

// directory reads a directory again and again.
type directory struct{ read func() (*tree.Tree, error) }

// Directory is the tree and the log that read finds.
func Directory(read func() (*tree.Tree, error)) Source { return directory{read} }

func (d directory) Sample(context.Context) (Sample, error) {
	t, err := d.read()
	return Sample{At: time.Now(), Dir: t}, err
}

func (d directory) Close() {}
