// Which engine computes: what is asked for, what there is, and what the work was begun on.
#include <gtest/gtest.h>

#include <algorithm>

#include "host/io/sealed_json.hpp"
#include "host/pipeline/checkpoint.hpp"
#include "host/pipeline/run_directory.hpp"
#include "phaseselect/error.hpp"
#include "tests/ensemble/stand_in.hpp"
#include "tests/ensemble/synthetic_data.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

class EngineChoice : public ::testing::Test {
 protected:
  // What the user reads while the command runs.
  std::vector<std::string> notes_;
  TemporaryFolder folder_;
  Config config_ = synthetic_config(folder_);

  Execution execution(Device device, CudaSource cuda) {
    Execution result;
    result.device = device;
    result.threads = 1;
    result.cuda = std::move(cuda);
    result.note = [this](const std::string& note) { notes_.push_back(note); };
    return result;
  }
  static Execution stopped(Execution execution, int rounds) {
    execution.stop_requested = [rounds]() mutable { return rounds-- == 0; };
    return execution;
  }
  TrainRequest request(const std::string& run, bool resume = false) {
    TrainRequest result;
    result.config = config_;
    result.run = folder_ / run;
    result.resume = resume;
    return result;
  }
  ValidateRequest validation(const std::string& directory, bool resume = false) {
    ValidateRequest result;
    result.config = config_;
    result.directory = folder_ / directory;
    result.resume = resume;
    return result;
  }
  template <typename Exception, typename Function>
  static std::string message_of(Function&& function) {
    try {
      function();
    } catch (const Exception& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  std::string refused(const TrainRequest& training, const Execution& how) {
    return message_of<UsageError>([&] { train(training, how); });
  }
  bool noted(const std::string& part) const {
    return std::any_of(notes_.begin(), notes_.end(), [&](const auto& n) { return n.find(part) != std::string::npos; });
  }
  // Changes what a checkpoint or a file of members says of itself, with a right checksum.
  static void rewrite(const fs::path& path, const std::function<void(std::map<std::string, std::string>&)>& change) {
    const SafetensorsReader old(path);
    std::map<std::string, std::string> metadata = old.metadata();
    metadata.erase("sha256");
    change(metadata);
    const std::vector<TensorInfo> tensors(old.tensors().begin(), old.tensors().end());
    SafetensorsWriter file(path, tensors, metadata);
    for (const TensorInfo& tensor : tensors) {
      std::vector<std::byte> bytes(tensor.bytes());
      old.read(tensor.name, 0, bytes);
      file.append(bytes);
    }
    file.commit();
  }
};

TEST_F(EngineChoice, TheGpuWhereItCanBeUsed) {
  const Problem problem = prepare(config_).problem;
  EXPECT_EQ(make_engine(problem, execution(Device::automatic, with_gpu()), Work::training)->kind(), "cuda");
  EXPECT_EQ(notes_, std::vector<std::string>{"using stand-in GPU"});
  EXPECT_EQ(make_engine(problem, execution(Device::cuda, with_gpu()), Work::training)->kind(), "cuda");
  EXPECT_EQ(make_engine(problem, execution(Device::cpu, with_gpu()), Work::training)->kind(), "cpu");
  EXPECT_EQ(notes_.size(), 1u) << "what was asked for needs no note";
}

TEST_F(EngineChoice, TheCpuWhereThereIsNoGpu) {
  const Problem problem = prepare(config_).problem;
  const auto engine = make_engine(problem, execution(Device::automatic, without_gpu()), Work::training);
  EXPECT_EQ(engine->kind(), "cpu");
  EXPECT_EQ(notes_, std::vector<std::string>{"no GPU engine: no GPU was found; using " + engine->description()});
  EXPECT_EQ(
      message_of<UsageError>([&] { make_engine(problem, execution(Device::cuda, without_gpu()), Work::training); }),
      no_gpu);
}

TEST_F(EngineChoice, AProblemThatTheGpuCannotHold) {
  const Problem problem = prepare(config_).problem;
  CudaSource small = with_gpu();
  small.make = [](const Problem&) -> std::unique_ptr<Engine> { throw UsageError("one member needs 9 GB: use a CPU"); };
  EXPECT_EQ(make_engine(problem, execution(Device::automatic, small), Work::training)->kind(), "cpu");
  EXPECT_TRUE(notes_.size() == 1 && noted("no GPU engine: one member needs 9 GB; using CPU, 1 thread"));
  EXPECT_EQ(message_of<UsageError>([&] { make_engine(problem, execution(Device::cuda, small), Work::training); }),
            "one member needs 9 GB: use a CPU");
  notes_.clear();
  small.make = [](const Problem& p) { return std::make_unique<StandIn>(p, 0); };
  EXPECT_EQ(make_engine(problem, execution(Device::automatic, small), Work::training)->kind(), "cpu");
  EXPECT_TRUE(notes_.size() == 1 && noted("no GPU engine: a member has no room; using CPU, 1 thread"));
  EXPECT_EQ(make_engine(problem, execution(Device::automatic, small), Work::evaluation)->kind(), "cuda");
  small.make = [](const Problem&) -> std::unique_ptr<Engine> { throw Error("the GPU is broken"); };
  EXPECT_EQ(message_of<Error>([&] { make_engine(problem, execution(Device::automatic, small), Work::training); }),
            "the GPU is broken");
}

TEST_F(EngineChoice, ReducedPrecisionNeedsTheGpu) {
  config_.training.precision = Precision::tf32;
  const std::string before = "training.precision: tf32 needs the CUDA engine (";
  EXPECT_EQ(refused(request("run"), execution(Device::cpu, with_gpu())),
            before + "this is --device cpu): use fp32 or --device cuda");
  EXPECT_EQ(refused(request("run"), execution(Device::automatic, without_gpu())),
            before + "no GPU was found): use fp32 or --device cuda");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  Precision given = Precision::fp32;
  CudaSource gpu = with_gpu();
  gpu.make = [&](const Problem& problem) {
    given = problem.precision;
    return std::make_unique<StandIn>(problem);
  };
  train(request("run"), execution(Device::automatic, gpu));
  EXPECT_EQ(given, Precision::tf32);
  // Only training has the precision.
  predict({folder_ / "run", folder_ / "fields.csv", folder_ / "out.csv", {}}, execution(Device::cpu, without_gpu()));
  explain(folder_ / "run", "Ba O", execution(Device::automatic, without_gpu()));
}

TEST_F(EngineChoice, RunsOfTwoPrecisionsAreNotOne) {
  TrainRequest half = request("a");
  half.members = std::pair(0u, 2u);
  train(half, execution(Device::cuda, with_gpu()));
  config_.training.precision = Precision::tf32;
  half = request("b");
  half.members = std::pair(2u, 4u);
  train(half, execution(Device::cuda, with_gpu()));
  const std::string message = message_of<Error>([&] {
    merge_runs({folder_ / "a", folder_ / "b"}, folder_ / "merged");
  });
  EXPECT_NE(message.find("their configuration differs"), std::string::npos) << message;
}

TEST_F(EngineChoice, RunsSayTheirEngineAndBothEnginesAreNotMerged) {
  TrainRequest half = request("cpu");
  half.members = std::pair(0u, 2u);
  EXPECT_EQ(train(half, execution(Device::cpu, with_gpu())).at("engine"), "cpu");
  half = request("cuda");
  half.members = std::pair(2u, 4u);
  EXPECT_EQ(train(half, execution(Device::automatic, with_gpu())).at("engine"), "cuda");
  EXPECT_EQ(message_of<Error>([&] {
              merge_runs({folder_ / "cpu", folder_ / "cuda"}, folder_ / "merged");
            }),
            (folder_ / "cpu").string() + " was trained on the engine 'cpu' and " + (folder_ / "cuda").string() +
                " on 'cuda', whose bits differ: train all members on one, or join them all the same by "
                "--mixed-instruction-sets");
  EXPECT_FALSE(fs::exists(folder_ / "merged"));
  // Neither are those of two instruction sets, unless that is asked for.
  fs::copy(folder_ / "cpu", folder_ / "old");
  nlohmann::json run = read_sealed(folder_ / "cpu/run.json", "");
  const std::string instructions = run.at("instruction_set");
  run["instruction_set"] = "SSE9";
  write_bytes(folder_ / "old/run.json", sealed_text(run));
  half = request("rest");
  half.members = std::pair(2u, 4u);
  train(half, execution(Device::cpu, with_gpu()));
  EXPECT_EQ(message_of<Error>([&] {
              merge_runs({folder_ / "old", folder_ / "rest"}, folder_ / "merged");
            }),
            (folder_ / "old").string() + " was trained with SSE9 and " + (folder_ / "rest").string() + " with " +
                instructions +
                ", whose bits differ: train all members on machines of one kind, or join them all the same by "
                "--mixed-instruction-sets");
  EXPECT_FALSE(fs::exists(folder_ / "merged"));
  merge_runs({folder_ / "old", folder_ / "rest"}, folder_ / "merged", true);
  run = read_sealed(folder_ / "merged/run.json", "");
  EXPECT_EQ(run.at("engine"), "cpu");
  EXPECT_EQ(run.at("instruction_set"), "mixed");
  EXPECT_EQ(run.at("merged").at(0).at("instruction_set"), "SSE9");
  EXPECT_EQ(run.at("merged").at(1).at("engine"), "cpu");
}

TEST_F(EngineChoice, ATrainingGoesOnWhereItWasBegun) {
  train(request("whole"), execution(Device::cuda, with_gpu()));
  EXPECT_THROW(train(request("run"), stopped(execution(Device::cuda, with_gpu()), 3)), Interrupted);
  const std::string run = (folder_ / "run").string();
  const std::string checkpoint = read_bytes(folder_ / "run/checkpoint.safetensors");
  EXPECT_EQ(refused(request("run", true), execution(Device::cpu, with_gpu())),
            run +
                " was begun with --device cuda, and another engine gives other bits: resume with --device cuda, or "
                "start afresh in a new folder");
  EXPECT_EQ(refused(request("run", true), execution(Device::automatic, without_gpu())),
            run +
                " was begun with --device cuda, which cannot be used here (no GPU was found): resume where it can, "
                "or start afresh in a new folder");
  EXPECT_EQ(read_bytes(folder_ / "run/checkpoint.safetensors"), checkpoint);
  notes_.clear();
  const nlohmann::json resumed = train(request("run", true), execution(Device::automatic, with_gpu()));
  EXPECT_EQ(notes_, std::vector<std::string>{"training on stand-in GPU, the engine that the run was begun on"});
  EXPECT_EQ(resumed.at("engine"), "cuda");
  EXPECT_EQ(read_bytes(folder_ / "run/members.safetensors"), read_bytes(folder_ / "whole/members.safetensors"));
}

TEST_F(EngineChoice, AGpuThatTurnsUpIsNotTakenHalfWay) {
  EXPECT_THROW(train(request("run"), stopped(execution(Device::automatic, without_gpu()), 3)), Interrupted);
  EXPECT_NE(refused(request("run", true), execution(Device::cuda, with_gpu())).find("resume with --device cpu"),
            std::string::npos);
  // A checkpoint from before there were two engines is the CPU's.
  rewrite(folder_ / "run/checkpoint.safetensors", [](auto& metadata) { EXPECT_EQ(metadata.erase("engine"), 1u); });
  EXPECT_NE(refused(request("run", true), execution(Device::cuda, with_gpu())).find("begun with --device cpu"),
            std::string::npos);
  EXPECT_EQ(train(request("run", true), execution(Device::automatic, with_gpu())).at("engine"), "cpu");
  EXPECT_TRUE(noted("training on CPU, 1 thread"));
}

TEST_F(EngineChoice, ACheckpointOfAnEngineThatIsNotKnown) {
  EXPECT_THROW(train(request("run"), stopped(execution(Device::cpu, without_gpu()), 3)), Interrupted);
  rewrite(folder_ / "run/checkpoint.safetensors", [](auto& metadata) { metadata["engine"] = "abacus"; });
  const std::string message =
      message_of<Error>([&] { train(request("run", true), execution(Device::automatic, without_gpu())); });
  EXPECT_NE(message.find("its engine differs (it says 'abacus', this run says 'cpu')"), std::string::npos) << message;
}

TEST_F(EngineChoice, AValidationGoesOnWhereItWasBegun) {
  config_.ensemble.members = 2;
  EXPECT_EQ(validate(validation("whole"), execution(Device::cuda, with_gpu())).at("engine"), "cuda");
  EXPECT_THROW(validate(validation("cv"), stopped(execution(Device::automatic, with_gpu()), 3)), Interrupted);
  EXPECT_NE(message_of<UsageError>([&] {
              validate(validation("cv", true), execution(Device::cpu, with_gpu()));
            }).find("resume with --device cuda"),
            std::string::npos);
  notes_.clear();
  validate(validation("cv", true), execution(Device::automatic, with_gpu()));
  EXPECT_TRUE(noted("training on stand-in GPU, the engine that the validation was begun on"));
  EXPECT_EQ(read_bytes(folder_ / "cv/predictions.csv"), read_bytes(folder_ / "whole/predictions.csv"));
}

TEST_F(EngineChoice, TheEstimateIsOfTheEngineThatWouldTrain) {
  const nlohmann::json cpu = inspect(config_, execution(Device::cpu, with_gpu()));
  EXPECT_EQ(cpu.at("estimate").at("engine"), "cpu");
  EXPECT_EQ(cpu.at("model").at("gpu_bytes"), 0);
  const nlohmann::json gpu = inspect(config_, execution(Device::automatic, with_gpu()));
  EXPECT_EQ(gpu.at("estimate").at("engine"), "cuda");
  EXPECT_EQ(gpu.at("estimate").at("device"), "stand-in GPU");
  EXPECT_EQ(gpu.at("model").at("training_bytes"), gpu.at("model").at("file_bytes"));
  EXPECT_EQ(gpu.at("model").at("gpu_bytes"), 1000 * gpu.at("estimate").at("members_at_once").get<int>());
}

}  // namespace
}  // namespace phaseselect
