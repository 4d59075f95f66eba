// Program kstatus tells what kstatus makes of Kubernetes objects: a JSON object on each line of standard input, its
// status (Current, InProgress, Failed, Terminating, Unknown) on the same line of standard output.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	for objects := json.NewDecoder(in); ; {
		var line json.RawMessage
		if err := objects.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		// Kubernetes' own decoder, for kstatus wants integers to be int64.
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(line); err != nil {
			return err
		}
		result, err := status.Compute(object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, result.Status); err != nil {
			return err
		}
	}
}
