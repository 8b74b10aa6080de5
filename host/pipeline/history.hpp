// history.csv: one line per member, network and epoch.
#pragma once

#include <string>
#include <vector>

#include "host/pipeline/population.hpp"

namespace phaseselect {

// Columns: member,network,epoch,training_loss,autoencoder_loss,penalty,held_out_loss,held_out_accuracy. Epochs count
// from 0. What a network does not have is empty.
std::string history_csv(const std::vector<const TrainedMember*>& members);

// The members as they are listed.
std::vector<const TrainedMember*> in_order(const std::vector<TrainedMember>& members);

}  // namespace phaseselect
