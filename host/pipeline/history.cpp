// history.csv: one line per member, network and epoch.
#include "host/pipeline/history.hpp"

#include <fmt/format.h>

#include "host/io/output_file.hpp"

namespace phaseselect {

std::string history_csv(const std::vector<const TrainedMember*>& members) {
  std::string text = "member,network,epoch,training_loss,autoencoder_loss,penalty,held_out_loss,held_out_accuracy\n";
  for (const TrainedMember* member : members) {
    for (const HistoryRow& row : member->history) {
      const EpochStatistics& s = row.statistics;
      const bool classifier = row.network == Network::classifier;
      const std::string autoencoder_loss = classifier ? number(s.autoencoder_loss) : "";
      const std::string penalty = classifier ? number(s.penalty) : "";
      const std::string accuracy =
          classifier && s.held_out > 0 ? number(static_cast<double>(s.held_out_correct) / s.held_out) : "";
      text += fmt::format("{},{},{},{},{},{},{},{}\n", row.member, classifier ? "classifier" : "ranking", row.epoch,
                          number(s.training_loss), autoencoder_loss, penalty, number(s.held_out_loss), accuracy);
    }
  }
  return text;
}

std::vector<const TrainedMember*> in_order(const std::vector<TrainedMember>& members) {
  std::vector<const TrainedMember*> pointers;
  for (const TrainedMember& member : members) pointers.push_back(&member);
  return pointers;
}

}  // namespace phaseselect
