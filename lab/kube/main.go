// kube: the Kubernetes components of the lab in one binary; argv[1] picks one.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kube apiserver|controller-manager|scheduler|kubelet|kubectl ...")
		os.Exit(2)
	}
	var c *cobra.Command
	switch os.Args[1] {
	case "apiserver":
		c = apiserver.NewAPIServerCommand()
	case "controller-manager":
		c = manager.NewControllerManagerCommand()
	case "scheduler":
		c = scheduler.NewSchedulerCommand()
	case "kubelet":
		c = kubelet.NewKubeletCommand(context.Background())
	case "kubectl":
		os.Args = os.Args[1:]
		c = kubectl.NewDefaultKubectlCommand()
		os.Exit(cli.Run(c))
	default:
		fmt.Fprintln(os.Stderr, "unknown component", os.Args[1])
		os.Exit(2)
	}
	c.SetArgs(os.Args[2:])
	os.Exit(cli.Run(c))
}
