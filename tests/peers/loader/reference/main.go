// The reference loader (compose-spec/compose-go) as a service: one load a line of standard input, one answer a line of standard
// output, all in one process.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v4"
)

// As the load vectors name them.
type options struct {
	ConfigFiles      []string `json:"config_files"`
	EnvFiles         []string `json:"env_files"`
	Profiles         []string `json:"profiles"`
	ProjectName      string   `json:"project_name"`
	ProjectDirectory string   `json:"project_directory"`
	NoConsistency    bool     `json:"no_consistency"`
	NoInterpolation  bool     `json:"no_interpolation"`
}

type request struct {
	Folder  string            `json:"folder"` // the working directory
	Env     map[string]string `json:"env"`
	Options options           `json:"options"`
	Repeat  int               `json:"repeat"` // load so often and tell how long each took
}

type answer struct {
	Config json.RawMessage `json:"config,omitempty"`
	Error  string          `json:"error,omitempty"`
	Took   []int64         `json:"took,omitempty"` // nanoseconds
}

// In the order of docker/compose: the environment, then env files, then what they may name.
func load(r request) (project *types.Project, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	if err := os.Chdir(r.Folder); err != nil {
		return nil, err
	}
	os.Clearenv()
	for name, value := range r.Env {
		os.Setenv(name, value)
	}
	o := r.Options
	settings, err := cli.NewProjectOptions(o.ConfigFiles,
		cli.WithWorkingDirectory(o.ProjectDirectory),
		cli.WithOsEnv,
		cli.WithEnvFiles(o.EnvFiles...),
		cli.WithDotEnv,
		cli.WithConfigFileEnv,
		cli.WithDefaultConfigPath,
		cli.WithEnvFiles(o.EnvFiles...),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(o.Profiles...),
		cli.WithName(o.ProjectName),
		cli.WithConsistency(!o.NoConsistency),
		cli.WithInterpolation(!o.NoInterpolation))
	if err != nil {
		return nil, err
	}
	return settings.LoadProject(context.Background())
}

// What is printed as YAML leaves out more of what nobody wrote than what is printed as JSON.
func canonical(project *types.Project, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := project.MarshalYAML()
	if err != nil {
		return answer{Error: err.Error()}
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return answer{Error: err.Error()}
	}
	config, err := json.Marshal(tree)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Config: config}
}

func main() {
	logrus.SetLevel(logrus.PanicLevel)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	write := json.NewEncoder(output)
	for {
		line, err := input.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		result := canonical(load(r))
		for i := 0; i < r.Repeat; i++ {
			begin := time.Now()
			load(r)
			result.Took = append(result.Took, time.Since(begin).Nanoseconds())
		}
		if err := write.Encode(result); err != nil {
			os.Exit(1)
		}
		output.Flush()
	}
}
