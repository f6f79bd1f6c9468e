// Package varveprom hands the figures of a database to Prometheus. It takes one
// db.Metrics() for each scrape, which costs microseconds, and nothing between.
//
//	registry.MustRegister(varveprom.NewCollector(db, nil))
//
// Names begin with varve_, units are their end (_bytes, _seconds), counters end
// in _total. README.md lists them; docs/observability.md says what they mean.
package varveprom
