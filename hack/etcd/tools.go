//go:build tools

// Package etcd pins what hack/lab builds: the etcd server that the lab's apiserver stores into.
package etcd

import (
	_ "go.etcd.io/etcd/server/v3"
)
