package engine

// Syncer is an Engine that can be told to make durable what it holds back.
type Syncer interface {
	// Sync returns once everything written before it is on stable storage, in
	// the log or in tables.
	Sync() error
}
